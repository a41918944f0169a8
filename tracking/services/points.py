"""The hot write: batches of nothing but points, of many runs at once, each stored exactly once in a transaction that they share."""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, connections, transaction

from core import database_errors, jobs, prepared
from core.access import ProjectRef
from core.errors import LinealError
from core.grouping import Grouped
from core.rows import uuid_of
from tracking.errors import SequenceGap
from tracking.limits import WAITING_BYTES, WAITING_S
from tracking.metrics.columns import Columns
from tracking.metrics.points import Points
from tracking.models import Run
from tracking.selectors import get_run
from tracking.services import series
from tracking.services.batches import BatchOutcome, write_batch
from tracking.services.chunks import BATCHES_DUE, points_due
from tracking.services.series import Arrived, Place

MOST_AT_ONCE = 64  # batches in one transaction; it holds the locks of as many runs
COUNTED_RUNS = 2_000  # whose points are counted between two calls for compaction
CHECKED_S = 1.0  # a connection unused for longer is asked whether it still holds
KNOWN_SERIES = 100_000  # that a process remembers, of the runs that wrote last: some 12 MB of keys

_preparing = threading.Lock()
"""Held while batches are packed: numpy and zstd let go of the interpreter's lock a dozen times in those 50 µs, and where other threads
do the same, each time is two changes of thread.
"""
_WRITABLE = {Run.Lifecycle.ACTIVE, Run.Lifecycle.ARCHIVED}
_MOVE = "INSERT INTO tracking_writerposition (run_id, writer, last_sequence)"
_MOVED = "ON CONFLICT (run_id, writer) DO UPDATE SET last_sequence = excluded.last_sequence"
_MOVE_ALL = f"{_MOVE} SELECT * FROM unnest(%s, %s, %s) {_MOVED}"  # noqa: S608 - constants

_MOVED_ARRAYS = (prepared.Bigints, prepared.Uuids, prepared.Bigints)


@dataclass(frozen=True, slots=True)
class PointsWrite:
    """A batch of metrics alone, as somebody asks to have it stored."""

    project: ProjectRef
    run: UUID
    writer: UUID
    sequence: int
    metrics: Columns


@dataclass(frozen=True, slots=True)
class _Write:
    project: ProjectRef
    run: UUID
    writer: UUID
    sequence: int
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class _RunNow:
    """A run as it is while we hold its lock. An ordinary one runs, and neither it nor its experiment is deleted."""

    place: Place
    is_ordinary: bool


class _NotOrdinary(Exception):
    """There is more to do and to say than this module does: the run has ended, may not be written to, is busy, or is none."""


def write_points(
    *, project: ProjectRef, run: UUID, writer: UUID, sequence: int, metrics: Iterable[tuple[str, Points]]
) -> BatchOutcome:
    """As `write_batch`, for a batch of metrics alone. Waits for at most one transaction of others, and shares its own.

    Raises:
        RunNotFound: the project has no such run.
        SequenceGap, RunDeleted, RunPurged, ExperimentDeleted: as `write_batch`.
        Overloaded: too much waits already; nothing is stored.
    """
    columns = metrics if isinstance(metrics, Columns) else Columns.of(metrics)
    (outcome,) = write_all_points([PointsWrite(project, run, writer, sequence, columns)])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def write_all_points(asked: Sequence[PointsWrite]) -> Sequence[BatchOutcome | Exception]:
    """What came of each, in order: its outcome, or what `write_points` would have raised.

    Raises:
        Overloaded: too much waits already; nothing is stored.
    """
    with _preparing:
        writes = [
            _Write(each.project, each.run, each.writer, each.sequence, series.arrive(each.metrics)) for each in asked
        ]
    outcomes: list[BatchOutcome | Exception] = []
    left: set[tuple[UUID, UUID]] = (
        set()
    )  # run and writer of which a batch was left for later, so that the next ones came too early
    for each, outcome in zip(asked, _group.submit_all(writes), strict=True):
        by = (each.run, each.writer)
        if isinstance(outcome, _NotOrdinary) or (isinstance(outcome, SequenceGap) and by in left):
            left.add(by)
            outcomes.append(_write_alone(each))
        else:
            outcomes.append(outcome)
    return outcomes


def _write_alone(asked: PointsWrite) -> BatchOutcome | Exception:
    try:
        return write_batch(
            run=get_run(project=asked.project, id=asked.run),
            writer=asked.writer,
            sequence=asked.sequence,
            metrics=asked.metrics,
        )
    except (LinealError, DatabaseError) as exc:  # the others are stored, and their askers have to hear of it
        return exc


def _serve(writes: Sequence[_Write]) -> Sequence[BatchOutcome | Exception]:
    """As `_store_group`, in the thread that stores all groups, whose connection is looked after as that of a request is."""
    if not connection.in_atomic_block:
        _check_connection()
    try:
        return _store_group(writes)
    finally:
        if not connection.in_atomic_block and connection.errors_occurred:
            connection.close()


def _check_connection() -> None:
    """One that has been idle may have been closed meanwhile, as by a restart of the database."""
    now = time.monotonic()
    if now - _last_use.at > CHECKED_S and connection.connection is not None and not connection.is_usable():
        connection.close()
    _last_use.at = now


class _LastUse:
    at = 0.0


_last_use = _LastUse()


def _store_group(writes: Sequence[_Write]) -> Sequence[BatchOutcome | Exception]:
    """What came of each. Where the database refuses a group, each is tried alone, so that none fails for another's sake."""
    try:
        return _store(writes)
    except DatabaseError as exc:
        is_away = database_errors.translate(exc) is not None  # or busy, and would be for each alone
        if len(writes) == 1 or is_away:
            raise
    return [_store_alone(write) for write in writes]


def _store_alone(write: _Write) -> BatchOutcome | Exception:
    try:
        return _store([write])[0]
    except DatabaseError as exc:
        return exc


def _store(writes: Sequence[_Write]) -> Sequence[BatchOutcome | Exception]:
    """Five statements and a transaction for all of them, which PostgreSQL is sent in two parts: what asks, and what writes."""
    with prepared.pipeline(), transaction.atomic():
        outcomes = _store_in_transaction(writes)
        prepared.settle()
    return outcomes


def _store_in_transaction(writes: Sequence[_Write]) -> Sequence[BatchOutcome | Exception]:
    runs, positions = _lock_runs(writes)
    before = dict(positions)
    outcomes: list[BatchOutcome | Exception] = []
    stored: list[tuple[Place, Arrived]] = []
    met: list[tuple[Place, Arrived]] = []  # for the first time
    fresh: dict[int, set[str]] = {}  # series that a run gets by this group
    for write in writes:
        try:
            run = _writable(runs, write)
            if _is_next(write, positions.get((run.place.run_id, write.writer), 0)):
                arrived = write.arrived
                if not _known.holds(run.place.run_id, arrived):
                    arrived = _within_limit(run.place.run_id, arrived, fresh.setdefault(run.place.run_id, set()))
                    met.append((run.place, arrived))
                stored.append((run.place, arrived))
                positions[run.place.run_id, write.writer] = write.sequence
                outcomes.append(BatchOutcome(write.sequence, rejected=list(arrived.rejected)))
            else:
                outcomes.append(BatchOutcome(positions[run.place.run_id, write.writer], repeated=True))
        except (LinealError, _NotOrdinary) as exc:
            outcomes.append(exc)
    series.store(stored)
    moved = {at: last for at, last in positions.items() if last != before.get(at)}
    _move(moved)
    _call_for_compaction(before, moved, stored)
    if met:
        transaction.on_commit(lambda: _known.add(met))
    return outcomes


def _lock_runs(writes: Sequence[_Write]) -> tuple[dict[tuple[int, UUID], _RunNow], dict[tuple[int, UUID], int]]:
    """By project and run id, without those that somebody else holds: the others of the group would have to wait for them. And by
    run and writer, the last batch that is stored.

    The second is asked by a statement of its own, which sees what was committed before the first one had its locks.
    """
    projects = {write.project.id for write in writes}
    uuids, writers = _bound({write.run for write in writes}), _bound({write.writer for write in writes})
    lock = (
        connection.ops.for_update_sql(no_key=True, skip_locked=True, of=("run",))
        if connection.features.has_select_for_no_key_update
        else ""
    )
    named = ("run.project_id", prepared.Bigints, projects), ("run.uuid", prepared.Uuids, uuids)
    where, values = _among(*named)
    sql = f"""SELECT run.project_id, run.uuid, run.id, run.experiment_id, run.status, run.lifecycle, experiment.deleted_at
        FROM tracking_run run JOIN tracking_experiment experiment ON experiment.id = run.experiment_id
        WHERE {where} ORDER BY run.id {lock}"""  # noqa: S608 - marks
    where, more = _among(*named, ("position.writer", prepared.Uuids, writers))
    asking = f"""SELECT position.run_id, position.writer, position.last_sequence FROM tracking_writerposition position
        JOIN tracking_run run ON run.id = position.run_id WHERE {where}"""  # noqa: S608 - marks
    with prepared.cursor() as locked, prepared.cursor() as seen:
        locked.execute(sql, values)
        seen.execute(asking, more)
        runs = dict(map(_run_now, locked.fetchall()))
        return runs, {(run_id, uuid_of(writer)): last for run_id, writer, last in seen.fetchall()}


def _run_now(row: tuple[Any, ...]) -> tuple[tuple[int, UUID], _RunNow]:
    project_id, uuid, run_id, experiment_id, status, lifecycle, deleted_at = row
    ordinary = status == Run.Status.RUNNING and lifecycle in _WRITABLE and deleted_at is None
    return (project_id, uuid_of(uuid)), _RunNow(Place(run_id, experiment_id), ordinary)


def _among(*columns: tuple[str, type[prepared.Array], Collection[Any]]) -> tuple[str, list[Any]]:
    """A condition that each column, of that type, has one of some values, and what to bind. One text for any number of them where
    the database has arrays, so that it is planned once.
    """
    if connection.vendor == "postgresql":
        return " AND ".join(f"{column} = ANY(%s)" for column, _, _ in columns), [
            kind(values) for _, kind, values in columns
        ]
    padded = [(column, _padded(values)) for column, _, values in columns]
    parts = [f"{column} IN ({', '.join(['%s'] * len(values))})" for column, values in padded]
    return " AND ".join(parts), [value for _, values in padded for value in values]


def _padded(values: Collection[Any]) -> list[Any]:
    """One of them again until they are a power of two, so that the statements for any number of them are few, and are kept."""
    found = list(values)
    return found + found[-1:] * ((1 << (len(found) - 1).bit_length()) - len(found))


def _bound(uuids: Iterable[UUID]) -> list[UUID] | list[str]:
    """As the database has them: SQLite keeps their hex digits."""
    return list(uuids) if connection.features.has_native_uuid_field else [uuid.hex for uuid in uuids]


def _writable(runs: Mapping[tuple[int, UUID], _RunNow], write: _Write) -> _RunNow:
    run = runs.get((write.project.id, write.run))
    if run is None or not run.is_ordinary:
        raise _NotOrdinary
    return run


def _is_next(write: _Write, last: int) -> bool:
    """False for one that was stored before. Raises SequenceGap."""
    if write.sequence > last + 1:
        raise SequenceGap(expected=last + 1, given=write.sequence)
    return write.sequence == last + 1


def _within_limit(run_id: int, arrived: Arrived, fresh: set[str]) -> Arrived:
    """Without the series that the run has no room for. `fresh` are those it gets meanwhile, and is added to."""
    new, beyond = series.keys_beyond_limit(run_id, arrived, fresh)
    fresh |= new
    return arrived.without(beyond) if beyond else arrived


def _move(moved: Mapping[tuple[int, UUID], int]) -> None:
    if moved:
        places = sorted(moved)
        writers = _bound(writer for _, writer in places)
        rows = [(at[0], writer, moved[at]) for at, writer in zip(places, writers, strict=True)]
        with prepared.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(_MOVE_ALL, prepared.arrays(_MOVED_ARRAYS, rows))
            else:
                prepared.insert_rows(cursor, _MOVE, rows, _MOVED)


def _call_for_compaction(
    before: Mapping[tuple[int, UUID], int],
    moved: Mapping[tuple[int, UUID], int],
    stored: Sequence[tuple[Place, Arrived]],
) -> None:
    due = {at[0] for at, last in moved.items() if last // BATCHES_DUE > before.get(at, 0) // BATCHES_DUE}
    due |= _arriving.count(stored)
    for run_id in sorted(due):
        jobs.enqueue("tracking.compact_run", _dedupe=f"compact:{run_id}", run_id=run_id)


class _Arriving:
    """How many points of each run came here since it was last called for. Forgetful: numbers of batches are the limit that holds."""

    def __init__(self) -> None:
        self._points: dict[int, int] = {}
        self._lock = threading.Lock()

    def count(self, stored: Iterable[tuple[Place, Arrived]]) -> set[int]:
        """Runs of which enough points have come, that is with these."""
        due = set()
        with self._lock:
            if len(self._points) > COUNTED_RUNS:
                self._points.clear()
            for place, arrived in stored:
                self._points[place.run_id] = self._points.get(place.run_id, 0) + arrived.points
                if self._points[place.run_id] >= points_due(len(arrived.summaries)):
                    due.add(place.run_id)
                    self._points[place.run_id] = 0
        return due


class _KnownSeries:
    """Which series a run has for certain, so that their number need not be asked for with each batch."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, set[str]] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()

    def holds(self, run_id: int, arrived: Arrived) -> bool:
        with self._lock:
            known = self._keys.get(run_id)
            if known is None:
                return not arrived.summaries
            self._keys.move_to_end(run_id)
            return arrived.summaries.keys() <= known

    def add(self, stored: Iterable[tuple[Place, Arrived]]) -> None:
        with self._lock:
            for place, arrived in stored:
                if not arrived.summaries:
                    continue
                known = self._keys.setdefault(place.run_id, set())
                before = len(known)
                known.update(arrived.summaries)
                self._count += len(known) - before
            while self._count > KNOWN_SERIES:
                _, gone = self._keys.popitem(last=False)
                self._count -= len(gone)


_known, _arriving = _KnownSeries(), _Arriving()
_group: Grouped[_Write, BatchOutcome] = Grouped(
    _serve,
    alone=lambda: connection.in_atomic_block,
    rest=connections.close_all,
    most=MOST_AT_ONCE,
    weigh=lambda write: len(write.arrived.payload),
    most_weight=WAITING_BYTES,
    patience_s=WAITING_S,
)
