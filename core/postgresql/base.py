"""The backend, where Django looks for it."""

import select
from time import monotonic
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.postgresql import base

from core.database_errors import CommitUnanswered, is_lost
from core.postgresql import arrays

arrays.register()  # before Django copies what psycopg knows

ASKED_S = 5.0  # after which a connection is asked again, though nothing seems wrong with it


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells a connection that broke at COMMIT from one that broke before, when nothing can have been changed."""

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # the stubs leave it out
        except (OperationalError, InterfaceError) as exc:
            if is_lost(exc):
                raise CommitUnanswered(*exc.args) from exc.__cause__
            raise

    @property
    def pool(self) -> Any:
        """Django's, which asks a connection whether it lives each time it hands it out: a journey to the database and back before the
        first statement of every request. Here it mostly looks at the socket (`check`).
        """
        pool = super().pool  # type: ignore[misc]  # the stubs leave it out
        if pool is not None and self.settings_dict["CONN_HEALTH_CHECKS"]:
            pool._check = check  # noqa: SLF001 - Django takes no other from its settings
        return pool


def check(connection: Any) -> None:
    """Raise if the server has closed this idle connection, be it by its own end: the kernel knows, and the socket can be read. The
    server is asked where it can, and every five seconds: one that vanished without a word leaves no sign there.

    Raises:
        psycopg.Error: it cannot be used.
    """
    now = monotonic()
    if now - getattr(connection, "_asked_at", 0.0) < ASKED_S and not _has_word(connection.fileno()):
        return
    from psycopg_pool import ConnectionPool  # noqa: PLC0415 - is loaded by now

    ConnectionPool.check_connection(connection)
    connection._asked_at = now  # noqa: SLF001 - ours; the pool keeps such marks there, too


def _has_word(handle: int) -> bool:
    """Whether something waits to be read: between requests that is a farewell."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))
