"""How a commit tells the sequencer that there is work: NOTIFY on PostgreSQL; on SQLite, and behind a pooler, it polls.

The NOTIFY is a transaction of its own, after the commit: inside the act's transaction it would make all commits queue
behind one lock. Losing one costs a poll interval, never an event.
"""

import threading
import time
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, connections

CHANNEL = "lineal_audit"
SHORTEST_S = 0.05  # also how long a process keeps quiet after ringing: the sequencer looks again by itself
LONGEST_S = 1.0


class _Bell:
    last_rung = float("-inf")


def sequencer() -> None:
    """Ring, at most once in 50 ms per process."""
    if not _is_heard() or time.monotonic() - _Bell.last_rung < SHORTEST_S:
        return
    _Bell.last_rung = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


class Ear(Protocol):
    """Where the sequencer waits between steps."""

    def wait(self, seconds: float) -> None:
        """Return when rung, when asked to stop, or after `seconds`."""

    def close(self) -> None: ...


def listen(stop: threading.Event) -> Ear:
    return _Listener() if _is_heard() else _Sleeper(stop)


def _is_heard() -> bool:
    """LISTEN belongs to a session, and a pooler lends those out for one transaction."""
    return connection.vendor == "postgresql" and not settings.DATABASE_POOLER


class _Sleeper:
    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def wait(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def close(self) -> None:
        pass


class _Listener:
    """A connection of its own that listens. A stop is noticed after the wait, so a second late at most."""

    def __init__(self) -> None:
        self._wrapper: Any = connections.create_connection("default")
        self._wrapper.ensure_connection()
        with self._wrapper.wrap_database_errors:
            self._wrapper.connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> None:
        with self._wrapper.wrap_database_errors:
            list(self._wrapper.connection.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        self._wrapper.close()
