"""How much each project holds. Rooms register what they count; answers are kept for a minute in each process.

Counting is a handful of grouped queries for any number of projects: an index-only count for most, one pass over the
sizes of stored rows for the bytes of metrics, which are read without the bytes themselves.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock

KEEP = timedelta(seconds=60)

Counter = Callable[[Sequence[int]], Mapping[int, Mapping[str, int]]]
"""Numbers by name, for each of the project ids given; a name that is left out is 0."""


@dataclass(frozen=True, slots=True)
class Field:
    """One number of a usage: `unit` is things or bytes."""

    name: str
    label: str
    unit: str = "things"


FIELDS = (
    Field("runs", "runs"),
    Field("archived_runs", "of them archived"),
    Field("experiments", "experiments"),
    Field("series", "metrics"),
    Field("points", "points"),
    Field("metric_bytes", "bytes of points", "bytes"),
    Field("files", "files"),
    Field("file_bytes", "bytes of files, as logged", "bytes"),
    Field("objects", "stored objects"),
    Field("object_bytes", "bytes stored, each once", "bytes"),
    Field("models", "models"),
    Field("versions", "versions"),
    Field("datasets", "dataset versions"),
    Field("bin_runs", "runs in the bin"),
    Field("bin_experiments", "experiments in the bin"),
    Field("bin_models", "models in the bin"),
    Field("bin_versions", "versions in the bin"),
    Field("bin_bytes", "bytes of files in the bin", "bytes"),
    Field("reclaimable_objects", "objects that nothing refers to"),
    Field("reclaimable_bytes", "bytes that a sweep will free", "bytes"),
)


@dataclass(frozen=True, slots=True)
class Usage:
    numbers: Mapping[str, int]
    counted_at: datetime


_counters: list[Counter] = []
_kept: dict[int, Usage] = {}


def register(counter: Counter) -> None:
    if counter not in _counters:
        _counters.append(counter)


def usage_of(project_ids: Sequence[int]) -> Mapping[int, Usage]:
    """For each project, no older than KEEP. Some fifteen queries where something has to be counted."""
    now = clock.now()
    stale = [id_ for id_ in project_ids if id_ not in _kept or now - _kept[id_].counted_at > KEEP]
    if stale:
        _kept.update(_count(stale, now))
    return {id_: _kept[id_] for id_ in project_ids}


def forget() -> None:
    """Count anew at the next question."""
    _kept.clear()


def _count(project_ids: Sequence[int], now: datetime) -> dict[int, Usage]:
    found: dict[int, dict[str, int]] = defaultdict(lambda: {field.name: 0 for field in FIELDS})
    for counter in _counters:
        for id_, numbers in counter(project_ids).items():
            found[id_].update(numbers)
    return {id_: Usage(found[id_], now) for id_ in project_ids}
