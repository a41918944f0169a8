"""A limit on how long reads may take in all, on both databases: so that no question keeps a server busy.

PostgreSQL stops a statement by itself (statement_timeout, for the transaction at hand, which is how it works behind a
pooler too). SQLite asks its progress handler every few thousand steps. The limit covers reads alone: what is stopped
in the middle of a write takes the writer's whole transaction with it.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.database_errors import sqlite_name, sqlstate

SQLITE_STEPS = 20_000  # of SQLite's virtual machine between two looks at the clock: about 1 ms
_READ = re.compile(r"\s*(\(|(SELECT|WITH|EXPLAIN|VALUES|SHOW|SAVEPOINT|RELEASE|ROLLBACK)\b)", re.IGNORECASE)


class OutOfTime(Exception):
    """Raised inside `time_limit`, and turned into what its caller named on the way out."""


class Deadline:
    """When the time is up. `check()` between steps of work that is no query."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        return self._at - time.monotonic()

    def check(self) -> None:
        """Raises OutOfTime."""
        if self.left_s <= 0:
            raise OutOfTime


_current: ContextVar[Deadline | None] = ContextVar("time_limit", default=None)


@contextmanager
def time_limit(seconds: float, error: Callable[[float], Exception], *, using: str = "default") -> Iterator[Deadline]:
    """Reads inside end within `seconds` in all, or `error(seconds)` is raised in place of the answer.

    A limit around it holds as well. On PostgreSQL there is a transaction inside, so keep slow work on other things out.

    Raises:
        RuntimeError: a statement that is no read; it was not sent.
    """
    connection, outer = connections[using], _current.get()
    deadline = Deadline(min(seconds, outer.left_s) if outer else seconds)
    token = _current.set(deadline)
    try:
        with (_on_postgresql if connection.vendor == "postgresql" else _on_sqlite)(connection, deadline, outer):
            yield deadline
    except OutOfTime as exc:
        raise error(seconds) from exc
    except OperationalError as exc:
        if sqlstate(exc) == "57014" or sqlite_name(exc) == "SQLITE_INTERRUPT":
            raise error(seconds) from exc
        raise
    finally:
        _current.reset(token)


@contextmanager
def _on_postgresql(connection: BaseDatabaseWrapper, deadline: Deadline, outer: Deadline | None) -> Iterator[None]:
    """Each statement gets what is left. Saying so costs a round trip, so a tenth more or less is let be."""
    nested = connection.in_atomic_block
    with transaction.atomic(connection.alias):
        allowed_s = max(0.001, deadline.left_s)
        before = _set_timeout(connection, allowed_s)

        def within(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal allowed_s
            _refuse_writes(sql)
            deadline.check()
            if deadline.left_s < 0.9 * allowed_s:
                allowed_s = deadline.left_s
                _set_timeout(connection, allowed_s)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(within):
            yield
        if nested:  # else it ends with this transaction
            _set_timeout(connection, before)


def _set_timeout(connection: BaseDatabaseWrapper, limit: float | str) -> str:
    """Set it until the transaction ends; what it was before."""
    text = limit if isinstance(limit, str) else f"{max(1, ceil(limit * 1_000))}ms"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)", [text])
        return str(cursor.fetchone()[0])


@contextmanager
def _on_sqlite(connection: BaseDatabaseWrapper, deadline: Deadline, outer: Deadline | None) -> Iterator[None]:
    """Without a transaction: SQLite's would begin IMMEDIATE, and keep writers waiting."""

    def within(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        _refuse_writes(sql)
        deadline.check()
        return execute(sql, params, many, context)

    connection.ensure_connection()
    _watch(connection, deadline)
    try:
        with connection.execute_wrapper(within):
            yield
    finally:
        _watch(connection, outer)


def _watch(connection: BaseDatabaseWrapper, deadline: Deadline | None) -> None:
    """A connection has one progress handler; a 1 from it interrupts the statement that runs."""
    handle: Any = connection.connection
    handle.set_progress_handler((lambda: int(deadline.left_s <= 0)) if deadline else None, SQLITE_STEPS)


def _refuse_writes(sql: str) -> None:
    if not _READ.match(sql):
        raise RuntimeError(f"Only reads have a time limit, and this is none: {sql[:40]}")
