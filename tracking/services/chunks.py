"""Rewriting packed batches as chunks per series, in the background. Readers see both and never a point twice; writers wait for nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from core import locks, prepared
from tracking.metrics import chunking, codec
from tracking.metrics.downsample import outline
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import summarise
from tracking.models import Batch, Chunk, Run, Series

BATCHES_AT_ONCE = 256  # these two bound one transaction, and its memory
POINTS_AT_ONCE = 400_000
BATCHES_DUE = 256  # a run is rewritten once one of its writers sent so many, a look at it decodes each of them,
BATCHES_KEPT = 128  # that may stay when the rest is rewritten
POINTS_DUE = (
    32_000  # or once so many points came, and a chunk of each series: one begun is written again to be filled up
)
_COLUMNS: dict[str, type[prepared.Array]] = {
    "count": prepared.Ints, "first_step": prepared.Bigints, "last_step": prepared.Bigints, "min": prepared.Floats,
    "max": prepared.Floats, "payload": prepared.Byteas, "outline": prepared.Byteas, "stretches": prepared.Byteas,
}  # fmt: skip
_ARRAYS = ", ".join(["%s"] * len(_COLUMNS))
_BEGIN = f"INSERT INTO tracking_chunk (run_id, key, {', '.join(_COLUMNS)})"
_BEGIN_ONE = f"{_BEGIN} VALUES ({', '.join(['%s'] * (2 + len(_COLUMNS)))})"
_BEGIN_ALL = f"""{_BEGIN} SELECT run_id, key, {", ".join(_COLUMNS)} FROM unnest(%s, %s, {_ARRAYS})
    WITH ORDINALITY AS begun (run_id, key, {", ".join(_COLUMNS)}, place) ORDER BY place"""  # noqa: S608 - constants
_FILL_ONE = f"UPDATE tracking_chunk SET {', '.join(f'{name} = %s' for name in _COLUMNS)} WHERE id = %s"  # noqa: S608
_FILL_ALL = f"""UPDATE tracking_chunk SET {", ".join(f"{name} = filled.{name}" for name in _COLUMNS)}
    FROM unnest({_ARRAYS}, %s) AS filled ({", ".join(_COLUMNS)}, id) WHERE tracking_chunk.id = filled.id"""  # noqa: S608
_PAYLOADS = "SELECT payload FROM tracking_batch WHERE run_id = %s AND id BETWEEN %s AND %s ORDER BY id"
_FORGET = "DELETE FROM tracking_batch WHERE run_id = %s AND id BETWEEN %s AND %s"


def points_due(series: int) -> int:
    """How many points of a run of so many series have to come before it is rewritten: whole chunks of each, where they come evenly."""
    chunks = max(1, series) * chunking.CHUNK_POINTS
    return min(POINTS_AT_ONCE, chunks * ceil(POINTS_DUE / chunks))


def compact_run(*, run_id: int) -> int:
    """Move all packed batches of the run into chunks, some hundred at a time; how many batches. Safe to run twice."""
    return _compact(run_id, _next_batches)


def compact_due(*, run_id: int) -> int:
    """As `compact_run`, but of a run that goes on, what is less than a chunk of each series stays for the next time: a chunk that is
    begun has to be written again to be filled up, and leaves the space that it had. More than `BATCHES_KEPT` never stay.
    """
    return _compact(run_id, _due_batches)


def _compact(run_id: int, choose: Callable[[int], list[int]]) -> int:
    moved = 0
    while step := _compact_some(run_id, choose):
        moved += step
    return moved


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """Batches by their ids, and the rows of chunks that say the same: of those that are filled up, and of new ones."""

    taken: Sequence[int]
    filled: Sequence[Sequence[Any]] = ()
    begun: Sequence[Sequence[Any]] = ()


class _Overtaken(Exception):
    """Another worker has rewritten the batches meanwhile, or they were purged."""


def _compact_some(run_id: int, choose: Callable[[int], list[int]]) -> int:
    if connection.vendor == "postgresql":
        with transaction.atomic():
            _hold(run_id)
            return _put(run_id, _rewritten(run_id, choose))
    while True:  # a transaction of SQLite's keeps all writers waiting: what is only read and computed stays outside
        try:
            return _put(run_id, _rewritten(run_id, choose))
        except _Overtaken:
            continue


def _rewritten(run_id: int, choose: Callable[[int], list[int]]) -> _Rewriting:
    """Raises _Overtaken."""
    taken = choose(run_id)
    if not taken:
        return _Rewriting(())
    with prepared.cursor(binary=True) as cursor:  # the run's next ones in order, so a range names them and nothing else
        cursor.execute(_PAYLOADS, [run_id, taken[0], taken[-1]])
        payloads = [payload for (payload,) in cursor.fetchall()]
    if len(payloads) != len(taken):
        raise _Overtaken
    parts: dict[str, list[Points]] = {}
    for series in codec.unpack_all(payloads):
        for key, points in series:
            parts.setdefault(key, []).append(points)
    return _Rewriting(taken, *_rows(run_id, {key: concat(some) for key, some in parts.items()}))


def _put(run_id: int, rewriting: _Rewriting) -> int:
    """Chunks in the place of batches; of how many. As long as these are there, nobody has come to the chunks that follow from them:
    whoever rewrites or purges a run begins with its oldest batches. Raises _Overtaken.
    """
    taken = rewriting.taken
    if not taken:
        return 0
    with transaction.atomic():
        with prepared.cursor() as cursor:
            cursor.execute(_FORGET, [run_id, taken[0], taken[-1]])
            if cursor.rowcount != len(taken):
                raise _Overtaken
        kinds = _COLUMNS.values()
        _write(_FILL_ONE, _FILL_ALL, (*kinds, prepared.Bigints), rewriting.filled)
        _write(_BEGIN_ONE, _BEGIN_ALL, (prepared.Bigints, prepared.Texts, *kinds), rewriting.begun)
    return len(taken)


def _hold(run_id: int) -> None:
    """Nobody else rewrites this run, seals it or takes it away meanwhile. Its writers go on: they take a weaker lock of its row,
    which stands beside the one that a reference to it takes, and commit one after the other, so ids tell the order of arrival.
    """
    locks.lock_in_transaction(f"compact {run_id}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tracking_run WHERE id = %s FOR KEY SHARE", [run_id])


def _next_batches(run_id: int) -> list[int]:
    """The oldest ones, as many as one transaction may rewrite; at least one, if there is any."""
    return _within(POINTS_AT_ONCE, _waiting(run_id))


def _due_batches(run_id: int) -> list[int]:
    if not Run.objects.filter(pk=run_id, status=Run.Status.RUNNING).exists():
        return _next_batches(run_id)
    waiting = _waiting(run_id)
    total = sum(points for _, points in waiting)
    due = points_due(Series.objects.filter(run_id=run_id).count())
    if total < due:
        return [pk for pk, _ in waiting] if len(waiting) > BATCHES_KEPT else []
    return _within(min(total, POINTS_AT_ONCE) // due * due, waiting)


def _waiting(run_id: int) -> list[tuple[int, int]]:
    """Ids and points of the oldest ones."""
    rows = Batch.objects.filter(run_id=run_id).order_by("id").values_list("pk", "points")[:BATCHES_AT_ONCE]
    return [(pk, points) for pk, points in rows]


def _within(most: int, waiting: Sequence[tuple[int, int]]) -> list[int]:
    """Those of so many points; at least one, if there is any."""
    taken: list[int] = []
    weight = 0
    for pk, points in waiting:
        weight += points
        if taken and weight > most:
            break
        taken.append(pk)
    return taken


def _rows(run_id: int, series: Mapping[str, Points]) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
    """Of the last chunk of each series, filled up, and of those that are begun."""
    filled, begun = [], []
    unfinished = _unfinished(run_id, series)
    for key, points in series.items():
        last = unfinished.get(key)
        for part in chunking.cut(concat([codec.decode(last.payload), points]) if last is not None else points):
            if last is None:
                begun.append(_filled(Chunk(run_id=run_id, key=key), part))
            else:
                filled.append(_filled(last, part))
                last = None
    return [(*_values(chunk), chunk.pk) for chunk in filled], [(run_id, chunk.key, *_values(chunk)) for chunk in begun]


def _values(chunk: Chunk) -> list[Any]:
    return [getattr(chunk, name) for name in _COLUMNS]


def _write(one: str, all_of_them: str, kinds: Sequence[type[prepared.Array]], rows: Sequence[Sequence[Any]]) -> None:
    """Bytes go to PostgreSQL as bytes, and not in twice their length of hex."""
    if not rows:
        return
    with prepared.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(all_of_them, prepared.arrays(kinds, rows))
        else:
            cursor.executemany(one, rows)


def _unfinished(run_id: int, series: Mapping[str, Points]) -> dict[str, Chunk]:
    """The last chunk of each series that has one with room. One query."""
    last = Chunk.objects.filter(run_id=run_id, key__in=list(series)).values("key").annotate(last=Max("id"))
    chunks = Chunk.objects.filter(pk__in=last.values("last"), count__lt=chunking.CHUNK_POINTS).only("key", "payload")
    return {chunk.key: chunk for chunk in chunks}


def _filled(chunk: Chunk, points: Points) -> Chunk:
    summary, seen = summarise(points), outline(points.by_step())
    chunk.count = len(points)
    chunk.first_step, chunk.last_step = int(points.steps.min()), int(points.steps.max())
    chunk.min, chunk.max = summary.min, summary.max
    chunk.payload, chunk.outline = codec.encode(points), codec.encode(seen.points)
    chunk.stretches = seen.sizes.astype("u1").tobytes()
    return chunk
