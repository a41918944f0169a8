"""Periodic jobs: whoever moves a job's `last_at` on promises it, in the same transaction.

So any number of beats may run: each turn is taken once, a beat that dies leaves nothing behind, and a turn that came while none
was running is taken when one starts.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, connection, transaction

from core import clock, doorbell, jobs, leases
from core.models import PeriodicRun

log = logging.getLogger(__name__)

TICK_S = 1.0


def run(stop: threading.Event, on_beat: Callable[[], None]) -> None:
    """The beat: promise what is due until `stop` is set. Outlives a database that goes away. `on_beat` is called each turn."""
    until_ring = 0.0
    while not stop.is_set():
        try:
            enqueue_due()
            until_ring -= TICK_S
            if until_ring <= 0:
                ring_for_forgotten()
                until_ring = settings.SWEEP_S
        except Error as exc:
            log.warning("The database did not answer (%s); trying again.", exc)
        connection.close()
        on_beat()
        stop.wait(TICK_S)


def enqueue_due() -> list[str]:
    """Promise the periodic jobs whose turn has come; their names. One that still waits from last time stands for both."""
    now = clock.now()
    last = dict(PeriodicRun.objects.values_list("name", "last_at"))
    new = [PeriodicRun(name=name, last_at=now) for name in jobs.PERIODS_S if name not in last]
    if new:  # its first turn comes after one period
        PeriodicRun.objects.bulk_create(new, ignore_conflicts=True)
    periods = {name: timedelta(seconds=seconds) for name, seconds in jobs.PERIODS_S.items() if name in last}
    return [
        name
        for name, period in periods.items()
        if _is_due(last[name], period, now) and _take_turn(name, last[name], now)
    ]


def _is_due(last_at: datetime, period: timedelta, now: datetime) -> bool:
    """Its turn has come; or its last turn lies in the future, where a wrong clock put it."""
    return not now - period < last_at <= now + period


def ring_for_forgotten() -> bool:
    """Ring if jobs are due that nobody has begun, for the workers of release 0.1.0, which do not look by themselves."""
    waits = leases.due(clock.now()).exists()
    if waits:
        doorbell.ring()
    return waits


@transaction.atomic
def _take_turn(name: str, last_at: datetime, now: datetime) -> bool:
    """False when another beat was faster."""
    if not PeriodicRun.objects.filter(name=name, last_at=last_at).update(last_at=now):
        return False
    jobs.enqueue(name, _dedupe=f"periodic:{name}")
    return True
