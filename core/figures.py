"""What `/metrics` says of the outbox and of the processes of this machine."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from core import clock, metrics, roster, scrape
from core.models import Job

PROC = Path("/proc")  # Linux; elsewhere a process says only that it is there
ROLES = ("web", "worker", "beat", "sequencer")  # shown at zero, so that an alert can tell that none is there


def outbox() -> Iterator[Metric]:
    """Two queries, each on an index that holds only the rows it counts."""
    now = clock.now()
    leased, due = Q(leased_until__gte=now), Q(due_at__lte=now)
    opened = Job.objects.filter(done_at=None, failed_at=None).values("name").order_by("name")
    rows = list(
        opened.annotate(
            all=Count("pk"),
            leased=Count("pk", filter=leased),
            due=Count("pk", filter=due & ~leased | due & Q(leased_until=None)),
            oldest=Min("due_at", filter=due & ~leased | due & Q(leased_until=None)),
        )
    )
    yield scrape.gauge(
        "lineal_jobs",
        "Jobs that are not done: waiting for their time, due, or leased by a worker.",
        ["task", "state"],
        [([row["name"], state], count) for row in rows for state, count in _by_state(row)],
    )
    ages = [([row["name"]], clock.age_s(row["oldest"])) for row in rows if row["oldest"]]
    yield scrape.gauge(
        "lineal_jobs_oldest_due_age_seconds", "How long the oldest due job has been due.", ["task"], ages
    )
    failed = Job.objects.filter(failed_at__isnull=False).values_list("name").order_by("name").annotate(Count("pk"))
    yield scrape.gauge(
        "lineal_jobs_failed", "Jobs given up, and kept for people to look at.", ["task"], [([n], c) for n, c in failed]
    )


def _by_state(row: dict[str, Any]) -> Sequence[tuple[str, int]]:
    return [("waiting", row["all"] - row["leased"] - row["due"]), ("due", row["due"]), ("leased", row["leased"])]


def processes() -> Iterator[Metric]:
    """Every process of this home on this machine, by its seat; what one with several roles uses is told once, at its first seat.
    Files of the kernel, no query.
    """
    folder = metrics.SHARED_FOLDER
    members = roster.living(folder) if folder else []
    counts = [([role], sum(member.role == role for member in members)) for role in ROLES] if folder else []
    yield scrape.gauge("lineal_processes", "Living processes of this home on this machine.", ["role"], counts)
    started = [([member.seat], member.since) for member in members]
    yield scrape.gauge("lineal_process_start_time_seconds", "When it started, in Unix time.", ["process"], started)
    found = [(member.seat, _usage(member.pid)) for member in members if not member.beside]
    seen = [(seat, usage) for seat, usage in found if usage is not None]
    yield scrape.gauge(
        "lineal_process_resident_memory_bytes", "Memory in use.", ["process"], [([seat], u[0]) for seat, u in seen]
    )
    yield scrape.total(
        "lineal_process_cpu_seconds_total", "Processor time.", ["process"], [([s], u[1]) for s, u in seen]
    )
    yield scrape.gauge(
        "lineal_process_open_fds", "Open files and sockets.", ["process"], [([s], u[2]) for s, u in seen]
    )


def _usage(pid: int) -> tuple[float, float, float] | None:
    """Resident bytes, processor seconds and open files of a process; None where the kernel does not tell (proc(5))."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        open_files = len(os.listdir(PROC / str(pid) / "fd"))  # noqa: PTH208 - only counted
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), (int(fields[11]) + int(fields[12])) / ticks, open_files


scrape.register("jobs", outbox)
scrape.register("processes", processes)
