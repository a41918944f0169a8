"""The answer to `/metrics`: what was counted, and what the database holds now, in Prometheus' text format.

Rooms register sources, which read the database when they are asked. All of it together is bounded in time and kept for some
seconds, so that no number of scrapes can hurt; a source that fails or is late is said to, and the others stand.
"""

import logging
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from django.db import DatabaseError, connection
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from core import metrics
from core.time_limits import time_limit

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_S = 5.0  # how old the database's figures may be: less than any scrape interval in use
SOURCE_LIMIT_S = 2.0
ALL_LIMIT_S = 6.0  # below Prometheus' usual time-out of ten seconds

Source = Callable[[], Iterable[Metric]]
_sources: dict[str, Source] = {}


class SourceTooSlow(Exception):
    """A source took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not read within {seconds:.1f} s")


def register(name: str, source: Source) -> None:
    """Have `source` read at each scrape. Its queries have to be few, and answered from indexes."""
    _sources[name] = source


def gauge(
    name: str, words: str, labels: Sequence[str] = (), rows: Iterable[tuple[Sequence[str], float]] = ()
) -> Metric:
    """A figure by its labels' values: `gauge("lineal_jobs_failed", "…", ["task"], [(["core.x"], 3)])`."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for label_values, value in rows:
        family.add_metric(label_values, value)
    return family


def total(
    name: str, words: str, labels: Sequence[str] = (), rows: Iterable[tuple[Sequence[str], float]] = ()
) -> Metric:
    """As `gauge`, for what only grows. `name` ends in `_total`."""
    family = CounterMetricFamily(name, words, labels=labels)
    for label_values, value in rows:
        family.add_metric(label_values, value)
    return family


class _Kept:
    """The database's figures of a moment ago. One thread reads at a time, and the others take what it found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._until = float("-inf")

    def get(self) -> list[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._families = list(_read_sources())
                self._until = time.monotonic() + KEPT_S
            return self._families

    def forget(self) -> None:
        with self._lock:
            self._until = float("-inf")


kept = _Kept()


def exposition() -> bytes:
    """Everything, as text. Two or three milliseconds when the figures are fresh, at most `ALL_LIMIT_S` when they are not."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)  # of the process that answers
    registry.register(_Gathered())
    return generate_latest(registry)


class _Gathered:
    def collect(self) -> Iterator[Metric]:
        yield from metrics.collect()
        yield _build_info()
        yield from _pool()
        yield from kept.get()


def _build_info() -> Metric:
    labels = {"version": version("lineal-server"), "python": platform.python_version(), "database": connection.vendor}
    return gauge("lineal_build_info", "Always 1; what runs here.", list(labels), [(list(labels.values()), 1)])


def _pool() -> Iterator[Metric]:
    """Of the process that answers: PostgreSQL's connections are pooled per process."""
    pool: Any = getattr(connection, "pool", None)
    if pool is None:  # SQLite
        return
    found = pool.get_stats()
    size, idle = found.get("pool_size", 0), found.get("pool_available", 0)
    yield gauge(
        "lineal_database_pool_connections",
        "Pooled connections of the answering process.",
        ["state"],
        [(["used"], size - idle), (["idle"], idle)],
    )
    waiting, most = found.get("requests_waiting", 0), found.get("pool_max", 0)
    yield gauge("lineal_database_pool_waiting", "Requests of that process that wait for one.", rows=[([], waiting)])
    yield gauge("lineal_database_pool_max_connections", "How many that process may have.", rows=[([], most)])


def _read_sources() -> Iterator[Metric]:
    end = time.monotonic() + ALL_LIMIT_S
    succeeded, took = [], []
    for name, source in sorted(_sources.items()):
        begun = time.monotonic()
        families = _read(name, source, min(SOURCE_LIMIT_S, end - begun))
        took.append(([name], time.monotonic() - begun))
        succeeded.append(([name], float(families is not None)))
        yield from families or []
    yield gauge("lineal_scrape_success", "Whether a source of figures could be read.", ["source"], succeeded)
    yield gauge("lineal_scrape_duration_seconds", "How long reading it took.", ["source"], took)


def _read(name: str, source: Source, limit_s: float) -> list[Metric] | None:
    if limit_s <= 0:
        return None
    try:
        with time_limit(limit_s, SourceTooSlow):
            return list(source())
    except (DatabaseError, OSError, SourceTooSlow) as exc:
        log.warning("The figures of '%s' could not be read: %s", name, exc)
    except Exception:
        log.exception("The figures of '%s' could not be read", name)
    return None
