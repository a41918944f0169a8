"""The backend, where Django looks for it."""

from django.db import InterfaceError, OperationalError
from django.db.backends.postgresql import base

from core.database_errors import CommitUnanswered, is_lost


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells a connection that broke at COMMIT from one that broke before, when nothing can have been changed."""

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # the stubs leave it out
        except (OperationalError, InterfaceError) as exc:
            if is_lost(exc):
                raise CommitUnanswered(*exc.args) from exc.__cause__
            raise
