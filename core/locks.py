"""One at a time, across processes and machines: a named lock that its holder loses with its life. Every lock of this server
that is not a row's is one of these two.

For a transaction, `lock_in_transaction`. For work that spans several, `only_one`: on PostgreSQL an advisory lock in a
transaction that stays open on a connection of its own, so it also holds behind a pooler that hands out connections per
transaction; on SQLite, which serves one machine, a lock on a file in the home.
"""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core import prepared
from core.folders import make_private

RETRY_S = 0.2  # between two tries for a lock that somebody holds


def key_of(name: str) -> int:
    """PostgreSQL's number for a lock's name: 63 bits of its SHA-256, so that no list of numbers has to be kept."""
    return int.from_bytes(hashlib.sha256(b"lineal lock " + name.encode()).digest()[:8], "big") >> 1


@contextmanager
def only_one(name: str, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Whether the lock `name` is ours until the `with` ends; not when somebody else holds it for longer than `wait_s`.

    For work that spans transactions; the caller's own connection and transaction are left alone. Whoever is killed, or
    cut off from the database, lets go at once and does not learn of it, so what it writes has to be safe beside a
    successor's.

    Raises:
        DatabaseError: the database does not answer.
    """
    take = _on_postgresql if connection.vendor == "postgresql" else _on_file
    with take(name, time.monotonic() + wait_s) as held:
        yield held


def lock_in_transaction(name: str, *, wait: bool = True, shared: bool = False) -> bool:
    """The lock `name` until the transaction at hand ends; whether it was had, which `wait` makes certain. Those who take it
    `shared` hold it together, and nobody else beside them.

    On SQLite a transaction, begun IMMEDIATE, is a lock on everything already.

    Raises:
        TransactionManagementError: there is no transaction that the lock could end with.
        OperationalError: PostgreSQL's lock_timeout ran out.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A lock in a transaction needs a transaction.")
    if connection.vendor != "postgresql":
        return True
    with prepared.cursor() as cursor:
        function = f"pg{'' if wait else '_try'}_advisory_xact_lock{'_shared' if shared else ''}"
        cursor.execute(f"SELECT {function}(%s::bigint)", [key_of(name)])
        return wait or bool(cursor.fetchone()[0])


@contextmanager
def _on_postgresql(name: str, until: float) -> Iterator[bool]:
    own = _own_connection()
    try:
        with own.wrap_database_errors:
            own.ensure_connection()
            own.set_autocommit(False)
            # The holder may be idle for days, and READ COMMITTED holds no snapshot between statements.
            _ask(own, "SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
        yield _tried_until(until, lambda: bool(_ask(own, "SELECT pg_try_advisory_xact_lock(%s)", key_of(name))))
    finally:
        own.close()


def _own_connection() -> BaseDatabaseWrapper:
    """Outside the pool: it is kept for as long as the lock."""
    given = connections["default"].settings_dict
    own = connections.create_connection("default")
    own.settings_dict = {**given, "OPTIONS": {key: value for key, value in given["OPTIONS"].items() if key != "pool"}}
    return own


def _ask(own: BaseDatabaseWrapper, statement: str, *values: Any) -> Any:
    with own.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


@contextmanager
def _on_file(name: str, until: float) -> Iterator[bool]:
    folder = settings.HOME / "run" / "locks"
    make_private(folder)
    with (folder / f"{key_of(name):016x}").open("a") as file:  # closing lets go
        yield _tried_until(until, lambda: _locked(file))


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tried_until(until: float, take: Callable[[], bool]) -> bool:
    while not take():
        if time.monotonic() >= until:
            return False
        time.sleep(RETRY_S)
    return True
