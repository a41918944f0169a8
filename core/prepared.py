"""A cursor for the few statements that are sent all day: PostgreSQL parses and plans them once a connection, and takes values beside
the statement, bytes as bytes. Django's own cursor writes values into the statement, where a packed batch has twice its size in hex.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.db import connection

SENT_BEFORE = 2  # times that a connection has sent a statement before it is worth a plan that stays


@contextmanager
def cursor(*, binary: bool = False) -> Iterator[Any]:
    """Django's cursor, with its errors, wrappers and counts. Lists are bound as arrays there: write `= ANY(%s::bigint[])`, and name
    types, since a number would be of the smallest type that holds it. On SQLite, whose driver keeps statements by itself,
    nothing is different. Behind a pooler nothing is prepared: its sessions are lent for one transaction. `binary` asks for the
    answer in binary too, which is worth it where it holds bytes.
    """
    if connection.vendor != "postgresql":
        with connection.cursor() as simple:
            yield simple
        return
    import psycopg  # noqa: PLC0415 - SQLite does without

    connection.ensure_connection()
    opened: Any = connection.connection
    if not settings.DATABASE_POOLER and opened.prepare_threshold is None:
        opened.prepare_threshold = SENT_BEFORE  # Django's cursors bind on this side, and never prepare
    plain: Any = psycopg.Cursor(opened)
    if binary:
        plain.format = psycopg.pq.Format.BINARY
    wrapped: Any = connection._prepare_cursor(plain)  # type: ignore[attr-defined]  # noqa: SLF001 - what cursor() itself calls
    with wrapped:
        yield wrapped


def ask(sql: str, values: Sequence[Any]) -> Callable[[], list[Any]]:
    """Send a SELECT; what comes back gives its rows, once. Under `pipeline` the waiting is done there, so that several are asked
    together. Each of them sees what was committed when its turn came, so one that stands behind a lock sees what was done before
    that was had.
    """
    with ExitStack() as stack:
        opened = stack.enter_context(cursor())
        opened.execute(sql, values)
        kept = stack.pop_all()

    def answer() -> list[Any]:
        with kept:
            found: list[Any] = opened.fetchall()
            return found

    return answer


@contextmanager
def pipeline() -> Iterator[None]:
    """What is executed meanwhile is sent without waiting for the answers of what was sent before, until one of them is fetched or a
    transaction ends: each wait costs two changes of process, and here also the interpreter's lock. So an error may come from a later
    line than its statement's. Nothing changes on SQLite, or behind a pooler.
    """
    if connection.vendor != "postgresql" or settings.DATABASE_POOLER:
        yield
        return
    connection.ensure_connection()
    opened: Any = connection.connection
    with connection.wrap_database_errors, opened.pipeline():
        yield


def settle() -> None:
    """Wait for all that was sent, where what is around it would not: an outer transaction's end. Raises what came of it."""
    if connection.vendor == "postgresql" and connection.savepoint_ids:
        with cursor() as opened:
            opened.execute("SELECT 1")
            opened.fetchone()
