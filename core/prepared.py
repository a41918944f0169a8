"""A cursor for the few statements that are sent all day: PostgreSQL parses and plans them once a connection, and takes values beside
the statement, bytes as bytes. Django's own cursor writes values into the statement, where a packed batch has twice its size in hex.
On SQLite it writes the marks of each statement anew, which is done once here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections

SENT_BEFORE = 2  # times that a connection has sent a statement before it is worth a plan that stays
MOST_ROWS = 64  # in one statement on SQLite; its older builds bind 999 values


class Array(list[Any]):
    """A column of values for PostgreSQL, bound at once and in binary (`core.postgresql.arrays`). One class for each type of SQL's; None is
    NULL. For the cursors made here alone.
    """


class Bigints(Array):
    """bigint[]"""


class Ints(Array):
    """integer[]"""


class Floats(Array):
    """double precision[]"""


class Texts(Array):
    """text[]"""


class Uuids(Array):
    """uuid[]"""


class Byteas(Array):
    """bytea[]"""


def arrays(kinds: Sequence[type[Array]], rows: Iterable[Sequence[Any]]) -> list[Array]:
    """The columns of `rows`, which are at least one."""
    return [kind(column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]


class cursor:  # noqa: N801 - it is called where a function would be
    """Django's cursor, with its errors, wrappers and counts, for a `with`. Lists are bound as arrays there: write `= ANY(%s::bigint[])`,
    and name types, since a number would be of the smallest type that holds it; or bind an `Array`. SQLite's driver keeps statements by
    itself. Behind a pooler nothing is prepared: its sessions are lent for one transaction. `binary` asks for the answer in binary too,
    which is worth it where it holds bytes or many numbers.
    """

    __slots__ = ("_binary", "_opened", "_using")

    def __init__(self, *, binary: bool = False, using: str = DEFAULT_DB_ALIAS) -> None:
        self._binary, self._using = binary, using

    def __enter__(self) -> Any:
        self._opened = _opened(connections[self._using], self._binary)
        return self._opened

    def __exit__(self, *error: object) -> None:
        self._opened.__exit__(*error)


def _opened(connection: Any, binary: bool) -> Any:
    if connection.connection is None:
        connection.ensure_connection()
    driver = connection.connection
    if connection.vendor != "postgresql":
        return connection._prepare_cursor(driver.cursor(factory=_sqlite_cursor()))  # noqa: SLF001 - what cursor() itself calls
    if driver.prepare_threshold is None and not settings.DATABASE_POOLER:
        driver.prepare_threshold = SENT_BEFORE  # Django's cursors bind on this side, and never prepare
    psycopg = _psycopg()
    plain = psycopg.Cursor(driver)
    if binary:
        plain.format = psycopg.pq.Format.BINARY
    return connection._prepare_cursor(plain)  # noqa: SLF001 - what cursor() itself calls


def ask(sql: str, values: Sequence[Any]) -> Callable[[], list[Any]]:
    """Send a SELECT; what comes back gives its rows, once. Under `pipeline` the waiting is done there, so that several are asked
    together. Each of them sees what was committed when its turn came, so one that stands behind a lock sees what was done before
    that was had.
    """
    opened = _opened(connections[DEFAULT_DB_ALIAS], binary=False)
    try:
        opened.execute(sql, values)
    except BaseException:
        opened.close()
        raise

    def answer() -> list[Any]:
        with opened:
            found: list[Any] = opened.fetchall()
            return found

    return answer


@cache
def _psycopg() -> Any:
    import psycopg  # noqa: PLC0415 - SQLite does without

    return psycopg


@cache
def _sqlite_cursor() -> type[Any]:
    from django.db.backends.sqlite3.base import SQLiteCursorWrapper  # noqa: PLC0415 - PostgreSQL does without

    class MarkedOnce(SQLiteCursorWrapper):
        """Our statements are as few as they are sent often."""

        def convert_query(self, query: str, *, param_names: Any = None) -> str:
            return _marked(query) if param_names is None else super().convert_query(query, param_names=param_names)  # type: ignore[misc]  # the stubs leave it out

    return MarkedOnce


@lru_cache(maxsize=500)
def _marked(query: str) -> str:
    return re.sub(r"(?<!%)%s", "?", query).replace("%%", "%")


def insert_rows(cursor: Any, head: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
    """`head VALUES (…), (…) tail`, for any number of rows of one width, on SQLite. Its driver lets go of the interpreter's lock with
    each statement that it carries out, and where other threads wait for that lock, each of those times costs two changes of thread:
    more than a row does. Statements of 64, 32, 16 … rows are few enough to be kept.
    """
    at = 0
    while at < len(rows):
        count = min(MOST_ROWS, 1 << ((len(rows) - at).bit_length() - 1))
        some = rows[at : at + count]
        cursor.execute(_of_rows(head, len(some[0]), count, tail), list(chain.from_iterable(some)))
        at += count


@cache
def _of_rows(head: str, width: int, count: int, tail: str) -> str:
    row = f"({', '.join(['%s'] * width)})"
    return f"{head} VALUES {', '.join([row] * count)} {tail}"


@contextmanager
def pipeline() -> Iterator[None]:
    """Around `transaction.atomic`, and nothing else. What is executed meanwhile is sent without waiting for the answers of what was sent
    before, until one of them is fetched or the transaction ends: each wait costs two changes of process, and here also the
    interpreter's lock. So an error may come from a later line than its statement's. Nothing changes on SQLite, or behind a pooler.
    """
    if connection.vendor != "postgresql" or settings.DATABASE_POOLER:
        yield
        return
    with connection.flight():  # type: ignore[attr-defined]  # of core.postgresql
        yield


def settle() -> None:
    """Wait for all that was sent, where what is around it would not: an outer transaction's end. Raises what came of it."""
    if connection.vendor == "postgresql" and connection.savepoint_ids:
        with cursor() as opened:
            opened.execute("SELECT 1")
            opened.fetchone()
