"""What is counted where it happens: counters, histograms and gauges that every process of a home adds to, by Prometheus' names.

A process with a seat (see `roster`) keeps its counts in small mapped files, which whoever is asked for `/metrics` adds up: the
worker's are there as well, although nobody can ask a worker. Without a seat (commands, tests) they stay in memory.
"""

import logging
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector

from core import roster

log = logging.getLogger(__name__)

REGISTRY = CollectorRegistry()
FAST_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SLOW_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)


def _share_counts() -> Path | None:
    """Where processes with seats keep their counts; None for a process without one. Has to come before the first metric is
    made, since each asks then where its value is kept.
    """
    if not settings.PROCESS:
        return None
    folder = roster.folder(settings.RUN_FOLDER)
    try:
        roster.take_seat(settings.PROCESS, folder)
    except OSError as exc:
        log.warning("This process counts for itself alone, since %s cannot be used: %s", folder, exc)
        return None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # the library reads it from there alone
    values.ValueClass = values.MultiProcessValue(_seat)  # type: ignore[no-untyped-call]
    return folder


class _Mine:
    seat = ""


def _seat() -> str:
    """Of this process. The library asks with each count, and a request has a dozen."""
    if not _Mine.seat:
        _Mine.seat = roster.take_seat(settings.PROCESS, roster.folder(settings.RUN_FOLDER))
    return _Mine.seat


def _stand_up() -> None:
    """In a fork, which has a seat of its own to find."""
    _Mine.seat = ""


os.register_at_fork(after_in_child=_stand_up)


SHARED_FOLDER = _share_counts()


def sit_down() -> None:
    """Take the seat of a fork that has been told its role. What it counts is kept there, and no longer at its parent's.

    Raises:
        OSError: as `roster.take_seat`.
    """
    if SHARED_FOLDER is not None:
        _seat()


def counter(name: str, words: str, labels: Sequence[str] = ()) -> Counter:
    """`name` ends in `_total`. Labels hold words of ours, never names that users chose."""
    return Counter(name, words, labels, registry=REGISTRY)


def histogram(name: str, words: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = FAST_S) -> Histogram:
    return Histogram(name, words, labels, buckets=buckets, registry=REGISTRY)


def gauge(name: str, words: str) -> Gauge:
    """Of what is there now; over all living processes it is the sum."""
    return Gauge(name, words, registry=REGISTRY, multiprocess_mode="livesum")


def collect() -> list[Metric]:
    """All that was counted, over all processes of this home on this machine. A metric that never counted stands there, empty."""
    known = {metric.name: metric for metric in REGISTRY.collect()}
    if SHARED_FOLDER is None:
        return list(known.values())
    alive = {member.seat for member in roster.living(SHARED_FOLDER)}
    counted = MultiProcessCollector.merge(_files(SHARED_FOLDER, alive))  # type: ignore[no-untyped-call]
    merged = {metric.name: metric for metric in counted}
    return [merged.get(name) or _without_samples(metric) for name, metric in known.items()]


def _files(folder: Path, alive: Collection[str]) -> list[str]:
    """Counts of the dead count on; what they had open does not."""
    return sorted(
        str(path)
        for path in folder.glob("*.db")
        if not path.name.startswith("gauge_") or path.stem.rpartition("_")[2] in alive
    )


def _without_samples(metric: Metric) -> Metric:
    return Metric(metric.name, metric.documentation, metric.type)


def start_at_zero(metric: Counter, label_values: Iterable[str]) -> None:
    """Show a counter with one label before it first counts: a rate needs the zero that it rose from."""
    for value in label_values:
        metric.labels(value)
