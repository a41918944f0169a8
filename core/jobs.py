"""Jobs: `enqueue` writes a row in the caller's transaction, a worker does it after the commit.

The row is the job; the broker's message is only a doorbell without content. A lost or doubled message changes nothing: workers
look by themselves every few seconds, and whoever answers leases the rows that are due. A worker that dies keeps its lease until
it runs out (see `core.leases`), then another takes over; so every job has to be idempotent.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from core import clock, current, doorbell, leases, logs, metrics, rows, tracing
from core.context import trace_id_of
from core.current import JobContext
from core.models import Job

log = logging.getLogger(__name__)

FIRST_RETRY_S = 2
LONGEST_RETRY_S = 3_600
MOST_ATTEMPTS = 20
KEEP_DONE = timedelta(days=7)  # long enough to look into last week's trouble

runs = metrics.counter(
    "lineal_job_runs_total", "Runs of jobs, by how they ended: done, retried or failed.", ["task", "outcome"]
)
durations = metrics.histogram("lineal_job_duration_seconds", "How long a run took.", ["task"], buckets=metrics.SLOW_S)

JobFunction = Callable[..., None]
Promise = tuple[str, dict[str, Any]]  # a job's name, and what it is to be called with


@dataclass(frozen=True)
class Definition:
    name: str
    run: JobFunction
    lease_s: int
    max_attempts: int


_definitions: dict[str, Definition] = {}
PERIODS_S: dict[str, float] = {}  # job name → seconds between runs, for the beat


def job(name: str, *, lease_s: int = 120, max_attempts: int = MOST_ATTEMPTS) -> Callable[[JobFunction], JobFunction]:
    """Register a function under `name`. It gets JSON values as keywords, and may run more than once.

    `lease_s` has to exceed its longest run: after that it counts as hung, and another worker may begin it. After
    `max_attempts` failures, or as many dead workers, it is set aside as failed, and kept.
    """

    def register(function: JobFunction) -> JobFunction:
        _definitions[name] = Definition(name, function, lease_s, max_attempts)
        return function

    return register


def every(*, seconds: float, name: str) -> None:
    """Have the beat enqueue the job `name`, without arguments, each `seconds`."""
    PERIODS_S[name] = seconds


def names() -> set[str]:
    return set(_definitions)


def enqueue(name: str, /, *, _dedupe: str | None = None, _delay_s: float = 0, **arguments: Any) -> None:
    """Promise to run job `name` after this transaction commits. With `_dedupe`, a waiting twin makes this a no-op.

    Raises:
        LookupError: no job of that name is registered.
        TransactionManagementError: called outside a transaction, where a crash could lose it.
    """
    _promise([(name, arguments)], dedupe=_dedupe, delay_s=_delay_s)


def enqueue_all(promises: Sequence[Promise]) -> None:
    """`enqueue` for several jobs, in one statement."""
    if promises:
        _promise(promises)


def _promise(promises: Sequence[Promise], *, dedupe: str | None = None, delay_s: float = 0) -> None:
    for name, _ in promises:
        if name not in _definitions:
            raise LookupError(f"No job is named '{name}'.")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Enqueue inside the transaction whose work the job continues.")
    now = clock.now()
    request_id, traceparent = current.cause()
    promised = [
        Job(
            name=name,
            arguments=arguments,
            dedupe=dedupe,
            created_at=now,
            due_at=now + timedelta(seconds=delay_s),
            request_id=request_id,
            traceparent=traceparent,
        )
        for name, arguments in promises
    ]
    rows.insert(promised, skip_known=dedupe is not None)
    if delay_s < settings.SWEEP_S:  # whoever is called looks again when it is due
        transaction.on_commit(doorbell.ring, robust=True)


def is_open(dedupe: str) -> bool:
    """Whether a job of this key waits or is under way. One that failed for good, or killed all its workers, is neither."""
    return Job.objects.filter(dedupe=dedupe, done_at=None, failed_at=None).exists()


def run_next(on_more: Callable[[], None] = lambda: None) -> bool:
    """Do the job that has been due longest. False when nothing is due. `on_more` is called before it is done, if others are due."""
    job_row = _lease_next(on_more)
    if job_row is None:
        return False
    token = current.job.set(_context_of(job_row))
    try:
        _run(job_row)
    finally:
        current.job.reset(token)
        leases.held.drop(job_row)
    return True


def _context_of(job_row: Job) -> JobContext:
    return JobContext(
        id=job_row.pk,
        name=job_row.name,
        request_id=job_row.request_id,
        trace_id=trace_id_of(job_row.traceparent),
        traceparent=job_row.traceparent,
    )


def _run(job_row: Job) -> None:
    definition = _definitions.get(job_row.name)
    if definition is None:
        _retry_or_fail(job_row, f"No job is named '{job_row.name}' in this release.", max_attempts=MOST_ATTEMPTS)
        return
    begun = time.perf_counter()
    try:
        with tracing.around_job(_context_of(job_row)):
            definition.run(**job_row.arguments)
    except Exception as exc:
        log.warning("Job %s (%s) failed", job_row.name, job_row.pk, exc_info=True)
        _retry_or_fail(job_row, f"{type(exc).__name__}: {exc}", max_attempts=definition.max_attempts)
        runs.labels(job_row.name, "failed" if job_row.attempts >= definition.max_attempts else "retried").inc()
    else:
        leases.open_as(job_row.pk, job_row.attempts).update(done_at=clock.now(), leased_until=None)
        runs.labels(job_row.name, "done").inc()
        said = f"Job {job_row.name} is done"
        logs.say(log, logging.INFO, said, duration_ms=round((time.perf_counter() - begun) * 1_000, 1))
    durations.labels(job_row.name).observe(time.perf_counter() - begun)


def run_pending(limit: int = 1_000) -> int:
    """Do all that is due now, at most `limit` jobs; how many were done."""
    done = 0
    while done < limit and run_next():
        done += 1
    return done


def _lease_next(on_more: Callable[[], None] = lambda: None) -> Job | None:
    return leases.held.take(
        {name: definition.lease_s for name, definition in _definitions.items()},
        {name: definition.max_attempts for name, definition in _definitions.items()},
        on_more,
    )


def _retry_or_fail(job_row: Job, error: str, *, max_attempts: int) -> None:
    now = clock.now()
    wait_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** (job_row.attempts - 1))
    failed_at = now if job_row.attempts >= max_attempts else None
    leases.open_as(job_row.pk, job_row.attempts).update(
        leased_until=None, due_at=now + timedelta(seconds=wait_s), failed_at=failed_at, last_error=error[:2_000]
    )


@job("core.forget_old_jobs")
def forget_old() -> None:
    """Drop rows of jobs done more than a week ago. Failed ones stay for people to look at."""
    Job.objects.filter(done_at__lt=clock.now() - KEEP_DONE).delete()


every(seconds=24 * 3_600, name="core.forget_old_jobs")
