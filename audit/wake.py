"""How a commit tells the sequencer that there is work: NOTIFY on PostgreSQL, nothing on SQLite, where it polls.

The NOTIFY is a transaction of its own, after the commit: inside the act's transaction it would make all commits queue
behind one lock. Losing one costs a poll interval, never an event.
"""

import time

from django.db import connection

CHANNEL = "lineal_audit"
QUIET_S = 0.05  # a sequencer that was rung polls again after this long by itself


class _Bell:
    last_rung = float("-inf")


def sequencer() -> None:
    """Ring, at most once in 50 ms per process."""
    if connection.vendor != "postgresql" or time.monotonic() - _Bell.last_rung < QUIET_S:
        return
    _Bell.last_rung = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")
