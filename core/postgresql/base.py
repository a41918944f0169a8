"""The backend, where Django looks for it."""

import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import RAN_DB_VERSION_CHECK
from django.db.backends.postgresql import base

from core.database_errors import CommitUnanswered, is_lost
from core.postgresql import arrays, times

arrays.register()  # before Django copies what psycopg knows

ASKED_S = 5.0  # after which a connection is asked again, though nothing seems wrong with it


class DatabaseWrapper(base.DatabaseWrapper):
    """Tells a connection that broke at COMMIT from one that broke before, when nothing can have been changed."""

    _lender: Any = None  # the pool, while `connect` takes one of its connections
    _pipeline: ExitStack | None = None  # around the transaction at hand

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
        known = self._connection_pools.get(self.alias)  # type: ignore[attr-defined]  # the stubs leave it out
        if known is not None and self.settings_dict["OPTIONS"].get("pool"):
            return known
        pool = super().pool  # type: ignore[misc]  # the stubs leave it out
        if pool is not None and self.settings_dict["CONN_HEALTH_CHECKS"]:
            pool._check = check  # noqa: SLF001 - Django takes no other from its settings
        return pool

    def connect(self) -> None:
        """Once a request. What Django would gather and set for a new connection is left out for one that its pool has prepared."""
        if self.alias in RAN_DB_VERSION_CHECK and "isolation_level" not in self.settings_dict["OPTIONS"]:
            self._lender = self.pool
        try:
            super().connect()
        finally:
            self._lender = None

    def get_connection_params(self) -> dict[str, Any]:
        if self._lender is not None:
            return {}
        found = super().get_connection_params()
        return found | {"context": times.adapters(found["context"], self.timezone)}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self._lender is None:
            return super().get_new_connection(conn_params)
        if self._lender.closed:
            self._lender.open()
        return self._lender.getconn()

    def init_connection_state(self) -> None:
        if self._lender is None:
            super().init_connection_state()

    def _set_autocommit(self, autocommit: bool) -> None:
        if autocommit:
            self._land()
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs leave it out

    @contextmanager
    def flight(self) -> Iterator[None]:
        """psycopg's pipeline around one transaction, which begins at once. psycopg waits for all answers where autocommit is switched
        under way, so that is done before, and after the pipeline has ended with the transaction.
        """
        self.ensure_connection()
        opened: Any = self.connection
        is_outermost = not self.in_atomic_block and opened.autocommit
        with self.wrap_database_errors, ExitStack() as ends:
            if is_outermost:
                opened.autocommit = False
                ends.callback(_as_django_has_it, self, opened)
            pipeline = ends.enter_context(ExitStack())
            pipeline.enter_context(opened.pipeline())
            if is_outermost:
                self._pipeline = pipeline
            try:
                yield
            finally:
                if is_outermost:
                    self._pipeline = None

    def _land(self) -> None:
        """End the pipeline that is around the transaction that has just ended."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with self.wrap_database_errors:
                pipeline.close()


def _as_django_has_it(wrapper: DatabaseWrapper, opened: Any) -> None:
    """Where no transaction came to be, autocommit is what it was."""
    if wrapper.connection is opened and wrapper.autocommit and not opened.closed and not opened.autocommit:
        opened.autocommit = True


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
