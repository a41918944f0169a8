"""The threads of a worker process that do jobs, and the keeper that renews the leases of what they have in hand.

They look into the outbox when the doorbell rings, when a job before has ended, and every few seconds by themselves: without
a broker work goes on, a little later.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import Error, connection

from core import jobs, leases

log = logging.getLogger(__name__)

LONGEST_BEAT_S = 10.0
RETRY_S = 1.0  # after the database did not answer


class Workforce:
    """`threads` jobs at a time. `on_beat` is called several times within a lease while all threads live."""

    def __init__(self, threads: int, on_beat: Callable[[], None] = lambda: None) -> None:
        self._bells = [threading.Event() for _ in range(threads)]
        self._idle: set[threading.Event] = set()  # bells of those that wait
        self._turn = threading.Lock()  # of those who change `_idle`
        self._on_beat = on_beat
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._threads = [
            _thread(f"lineal-job-{number}", self._work, bell) for number, bell in enumerate(self._bells, 1)
        ]
        self._keeper = _thread("lineal-lease-keeper", self._keep)

    def start(self) -> None:
        for thread in [*self._threads, self._keeper]:
            thread.start()

    def wake(self) -> None:
        """Have one thread look that waits, or all, where none does. One that finds more than it takes wakes the next, so that a job does
        not have every thread ask for it.
        """
        with self._turn:
            for bell in [self._idle.pop()] if self._idle else self._bells:
                bell.set()

    def _wake_all(self) -> None:
        for bell in self._bells:
            bell.set()

    def stop(self, limit_s: float) -> bool:
        """Take no new job, and wait for those at hand; False if some were not done in time.

        Their leases are given back then, so another worker begins them at once. The caller has to end the process, since the
        threads go on.
        """
        self._stopping.set()
        self._wake_all()
        until = time.monotonic() + limit_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._ended.set()
        self._keeper.join(RETRY_S)
        if not any(thread.is_alive() for thread in self._threads):
            return True
        try:
            given = leases.held.give_back()
        except Error as exc:
            log.warning("%s jobs are left to their leases, as the database did not answer (%s).", len(leases.held), exc)
        else:
            log.warning("%s jobs were not done within %s s and are given back.", given, limit_s)
        return False

    def _work(self, bell: threading.Event) -> None:
        while not self._stopping.is_set():
            bell.clear()
            pause_s = self._work_off()
            connection.close()
            with self._turn:
                self._idle.add(bell)
            bell.wait(pause_s)
            with self._turn:
                self._idle.discard(bell)

    def _work_off(self) -> float:
        """Do what is due; seconds until it is worth looking again."""
        try:
            while not self._stopping.is_set() and jobs.run_next(self.wake):
                connection.close_if_unusable_or_obsolete()
            return leases.next_due_s(settings.SWEEP_S)
        except Error as exc:
            log.warning("The database did not answer (%s); trying again.", exc)
        except Exception:  # a defect of ours; the other jobs are not to suffer from it
            log.exception("A job could not be begun or ended; trying again.")
        return RETRY_S

    def _keep(self) -> None:
        while not self._ended.wait(min(settings.JOB_LEASE_S / 3, LONGEST_BEAT_S)):
            if len(leases.held):
                try:
                    leases.held.renew()
                except Error as exc:
                    log.warning("Leases were not renewed, as the database did not answer (%s).", exc)
                connection.close()
            if all(thread.is_alive() for thread in self._threads):
                self._on_beat()


def _thread(name: str, run: Callable[..., None], *arguments: Any) -> threading.Thread:
    """One that speaks, in the log, as the part of the server that begins it."""
    return threading.Thread(target=contextvars.copy_context().run, args=(run, *arguments), name=name, daemon=True)


_here: list[Workforce] = []


def install(workforce: Workforce) -> None:
    """Make it the one that the doorbell wakes in this process."""
    _here[:] = [workforce]


def wake() -> bool:
    """Wake this process's workforce; False when it has none."""
    for each in _here:
        each.wake()
    return bool(_here)
