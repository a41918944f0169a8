"""Points on their way into the store: one packed row a batch, and the summaries that search reads.

Written as SQL of our own, a statement for any number of batches: this is the one write that training makes all day.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from core import clock, prepared
from tracking.limits import RUN_SERIES
from tracking.metrics import codec
from tracking.metrics.columns import Columns, summarise_all
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import Summary, merge
from tracking.models import Series
from tracking.values import Rejected, problem_of_key

SUMMARY_COLUMNS = Summary._fields
_SUMMARY_ARRAYS = (
    prepared.Bigints, prepared.Floats, prepared.Bigints, prepared.Bigints, prepared.Floats, prepared.Bigints, prepared.Floats,
    prepared.Bigints,
)  # fmt: skip
_SERIES_ARRAYS = (prepared.Bigints, prepared.Bigints, prepared.Texts, *_SUMMARY_ARRAYS)
_BATCH_ARRAYS = (prepared.Bigints, prepared.Ints, prepared.Byteas)

_ADD = "INSERT INTO tracking_batch (run_id, points, payload, created_at)"
_ADD_ALL = f"""{_ADD}
    SELECT run_id, points, payload, %s::timestamptz
    FROM unnest(%s, %s, %s) WITH ORDINALITY AS batch (run_id, points, payload, place) ORDER BY place"""  # noqa: S608 - constants
_SERIES_COLUMNS = f"run_id, experiment_id, key, {', '.join(SUMMARY_COLUMNS)}"
# The rules of `tracking.metrics.summary.merge`. A name for the stored row would shadow the table's in SQLite's upsert.
_LATER = "(excluded.last_step, excluded.last_time) >= (tracking_series.last_step, tracking_series.last_time)"
_LOWER = """(excluded.min IS NOT NULL AND (tracking_series.min IS NULL
    OR (excluded.min, excluded.min_step) < (tracking_series.min, tracking_series.min_step)))"""
_HIGHER = """(excluded.max IS NOT NULL AND (tracking_series.max IS NULL OR excluded.max > tracking_series.max
    OR (excluded.max = tracking_series.max AND excluded.max_step < tracking_series.max_step)))"""
_MERGE = "ON CONFLICT (run_id, key) DO UPDATE SET count = tracking_series.count + excluded.count, " + ", ".join(
    f"{column} = CASE WHEN {condition} THEN excluded.{column} ELSE tracking_series.{column} END"
    for condition, columns in [
        (_LATER, ("last", "last_step", "last_time")),
        (_LOWER, ("min", "min_step")),
        (_HIGHER, ("max", "max_step")),
    ]
    for column in columns
)
_ADD_SERIES = f"INSERT INTO tracking_series ({_SERIES_COLUMNS})"
_MERGE_ALL = f"""{_ADD_SERIES} SELECT * FROM unnest({", ".join(["%s"] * len(_SERIES_ARRAYS))}) {_MERGE}"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Arrived:
    """Metrics of one batch, ready to be stored; the work that needs no database is done."""

    columns: Columns = field(default_factory=Columns)
    summaries: Mapping[str, Summary] = field(default_factory=dict)
    payload: bytes = b""
    rejected: Sequence[Rejected] = ()

    @property
    def points(self) -> int:
        return len(self.columns.points)

    def without(self, keys: set[str]) -> "Arrived":
        """The same without some series, which are rejected: a run holds so many and no more."""
        told = [Rejected("metric", key, f"A run holds at most {RUN_SERIES} metrics.") for key in keys]
        left = Columns.of((key, points) for key, points in self.columns if key not in keys)
        return _packed(left, [*self.rejected, *told])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch goes."""

    run_id: int
    experiment_id: int


def arrive(metrics: Iterable[tuple[str, Points]]) -> Arrived:
    """Refuse bad keys, join what came twice under one key, pack and summarise. About 0.1 ms for a thousand points."""
    columns = metrics if isinstance(metrics, Columns) else Columns.of(metrics)
    problems = {key: problem for key in columns.keys if (problem := problem_of_key(key))}
    if problems or 0 in columns.counts or len(set(columns.keys)) < len(columns):
        columns = Columns.of(_joined((key, points) for key, points in columns if key not in problems))
    return _packed(columns, [Rejected("metric", key, problem) for key, problem in problems.items()])


def _joined(series: Iterable[tuple[str, Points]]) -> Iterator[tuple[str, Points]]:
    parts: dict[str, list[Points]] = {}
    for key, points in series:
        if len(points):
            parts.setdefault(key, []).append(points)
    return ((key, concat(each)) for key, each in parts.items())


def _packed(columns: Columns, rejected: Sequence[Rejected]) -> Arrived:
    if not len(columns):
        return Arrived(rejected=rejected)
    payload = codec.pack_columns(columns.keys, columns.counts, columns.points)
    return Arrived(columns, summarise_all(columns), payload, rejected)


def keys_beyond_limit(run_id: int, arrived: Arrived, coming: Collection[str] = ()) -> tuple[set[str], set[str]]:
    """Those of its series that are new, and those that the run has no room for: the last of the new ones. `coming` has room already,
    and is not stored yet. One query, two where some are new.
    """
    mine = Series.objects.filter(run_id=run_id)
    known = {*mine.filter(key__in=list(arrived.summaries)).values_list("key", flat=True), *coming}
    fresh = [key for key in arrived.summaries if key not in known]
    room = max(0, RUN_SERIES - mine.count() - len(coming)) if fresh else 0
    return set(fresh[:room]), set(fresh[room:])


def store(arrivals: Sequence[tuple[Place, Arrived]]) -> None:
    """Add the packed rows in this order, and merge the summaries. Two statements. The caller holds the runs' locks."""
    arrivals = [(place, arrived) for place, arrived in arrivals if arrived.points]
    if not arrivals:
        return
    stamp = connection.ops.adapt_datetimefield_value(clock.now())
    rows = [(place.run_id, arrived.points, arrived.payload) for place, arrived in arrivals]
    with prepared.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_ADD_ALL, [stamp, *prepared.arrays(_BATCH_ARRAYS, rows)])
        else:
            prepared.insert_rows(cursor, _ADD, [(*row, stamp) for row in rows])
        _merge(cursor, _merged(arrivals))


def _merged(arrivals: Sequence[tuple[Place, Arrived]]) -> list[tuple[Any, ...]]:
    """A row for each series, in one order for all transactions, so that two of them never wait for each other."""
    found: dict[tuple[int, str], tuple[int, Summary]] = {}
    for place, arrived in arrivals:
        for key, summary in arrived.summaries.items():
            before = found.get((place.run_id, key))
            found[place.run_id, key] = (place.experiment_id, merge(before[1], summary) if before else summary)
    return [
        (run_id, experiment_id, key, s.count, s.last, s.last_step, s.last_time, s.min, s.min_step, s.max, s.max_step)
        for (run_id, key), (experiment_id, s) in sorted(found.items())
    ]


def _merge(cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    if connection.vendor == "postgresql":
        cursor.execute(_MERGE_ALL, prepared.arrays(_SERIES_ARRAYS, rows))
    else:
        prepared.insert_rows(cursor, _ADD_SERIES, rows, _MERGE)
