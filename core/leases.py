"""Who works on which job: a lease is short and is renewed while its worker lives, so a killed worker's job waits for seconds.

Of two that want a job one gets it, by compare-and-set on `attempts`. A process that is told to stop gives back what it
cannot finish.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from core import clock
from core.models import Job

log = logging.getLogger(__name__)

CANDIDATES = 10  # looked at by one who searches, at a time


@dataclass(frozen=True, slots=True)
class _Held:
    attempts: int  # tells this lease from one that another worker took later
    until: float  # monotonic; beyond it the job counts as hung, and is not renewed


class Leases:
    """The jobs that this process has in hand. Any thread may call any method."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._lock = threading.Lock()

    def take(
        self, longest_run_s: dict[str, int], most_attempts: dict[str, int], on_more: Callable[[], None] = lambda: None
    ) -> Job | None:
        """The job that has been due longest, leased; None when nothing is due. `on_more` is called where others are due beside it.

        A job that was begun as often as it may be and never ended is set aside: it killed its workers.
        """
        now = clock.now()
        while candidates := list(due(now).order_by("due_at", "id")[:CANDIDATES]):
            for candidate in candidates:  # losing all of them means that others are busy with them: look further
                if candidate.attempts >= most_attempts.get(candidate.name, candidate.attempts + 1):
                    _set_aside(candidate, now)
                    continue
                longest_s = longest_run_s.get(candidate.name, settings.JOB_LEASE_S)
                if self._take(candidate, now, longest_s):
                    if candidate is not candidates[-1]:
                        on_more()
                    return candidate
        return None

    def _take(self, candidate: Job, now: datetime, longest_s: int) -> bool:
        until = now + timedelta(seconds=min(longest_s, settings.JOB_LEASE_S))
        taken = (
            due(now)
            .filter(pk=candidate.pk, attempts=candidate.attempts)
            .update(leased_until=until, attempts=F("attempts") + 1)
        )
        if taken:
            candidate.attempts += 1
            with self._lock:
                self._held[candidate.pk] = _Held(candidate.attempts, time.monotonic() + longest_s)
        return bool(taken)

    def drop(self, job: Job) -> None:
        """It is in this thread's hands no more; what became of it is written by the caller."""
        with self._lock:
            found = self._held.get(job.pk)
            if found is not None and found.attempts == job.attempts:  # else another thread has begun it since
                del self._held[job.pk]

    def renew(self) -> None:
        """Put off the end of every lease in hand, except of jobs that have run for longer than they may."""
        until = clock.now() + timedelta(seconds=settings.JOB_LEASE_S)
        for pk, held in self._snapshot():
            if time.monotonic() < held.until:
                open_as(pk, held.attempts).filter(leased_until__lt=until).update(leased_until=until)

    def give_back(self) -> int:
        """Let others have what is in hand, now; how many jobs. They count as begun, and will be begun again."""
        given = 0
        for pk, held in self._snapshot():
            given += open_as(pk, held.attempts).update(leased_until=None)
        return given

    def __len__(self) -> int:
        return len(self._held)

    def _snapshot(self) -> list[tuple[int, _Held]]:
        with self._lock:
            return list(self._held.items())


held = Leases()


def due(now: datetime) -> QuerySet[Job]:
    """Jobs that may be begun: their time has come, and nobody holds them."""
    return Job.objects.filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now), done_at=None, failed_at=None, due_at__lte=now
    )


def next_due_s(within_s: float) -> float:
    """Seconds until the next job that is known now may be begun, at most `within_s`. One query."""
    now = clock.now()
    coming = Job.objects.filter(
        done_at=None, failed_at=None, due_at__gt=now, due_at__lt=now + timedelta(seconds=within_s)
    )
    first = coming.order_by("due_at", "id").values_list("due_at", flat=True).first()
    return within_s if first is None else (first - now).total_seconds()


def open_as(pk: int, attempts: int) -> QuerySet[Job]:
    """The job as long as it is neither ended nor begun again by another: whoever writes of it has to hold it still."""
    return Job.objects.filter(pk=pk, attempts=attempts, done_at=None, failed_at=None)


def _set_aside(candidate: Job, now: datetime) -> None:
    detail = f"Begun {candidate.attempts} times, and its worker died each time. Before: {candidate.last_error}"
    if open_as(candidate.pk, candidate.attempts).update(failed_at=now, leased_until=None, last_error=detail[:2_000]):
        log.error(
            "Job %s (%s) is set aside: begun %s times, never ended", candidate.name, candidate.pk, candidate.attempts
        )
