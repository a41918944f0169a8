"""The points of series where they lie: chunks, and batches not yet rewritten. One order for both, that of arrival."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from django.db.models import Count, Sum

from tracking.metrics import chunking, codec
from tracking.metrics.downsample import Stretched
from tracking.metrics.points import Points, concat
from tracking.models import Batch, Chunk

T = TypeVar("T")
Name = tuple[int, str]  # primary key of the run, and key of the metric

IDS_AT_ONCE = 500  # chunks in one statement, and decoded at once: 50 MB


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, by its primary key, or points that will be one: `count` points after the `before` that arrived earlier."""

    held: int | Points
    before: int
    count: int
    first_step: int  # the least and the greatest step in it
    last_step: int


def read_settled(
    run_ids: Collection[int], keys: Collection[str], read: Callable[[Mapping[Name, Sequence[Piece]]], T]
) -> T:
    """What `read` makes of the pieces of each series that has points. Three queries, one more where batches wait, and those of `read`.

    A worker moves points from batches into chunks in one transaction. Where it did so meanwhile, what was read may hold
    points twice or not at all, and all of it is read again.
    """
    while True:
        batches = list(Batch.objects.filter(run_id__in=run_ids).order_by("id").values_list("pk", "run_id", "payload"))
        chunks = _chunks(run_ids, keys)
        found = read(_pieces(chunks, _waiting(batches, keys)))
        still_there = Batch.objects.filter(pk__in=[pk for pk, _, _ in batches]).count() if batches else 0
        if still_there == len(batches) and _size(run_ids, keys) == (len(chunks), sum(chunk[3] for chunk in chunks)):
            return found


def chunks_of(pieces: Iterable[Piece]) -> list[int]:
    """Primary keys of those that are chunks."""
    return [piece.held for piece in pieces if isinstance(piece.held, int)]


def points_of(piece: Piece, whole: Mapping[int, Points]) -> Points:
    """Its points, in order of arrival; a chunk's are looked up."""
    return whole[piece.held] if isinstance(piece.held, int) else piece.held


def payloads(pks: Sequence[int]) -> dict[int, Points]:
    """The points of chunks, in order of arrival. A query for some hundred."""
    found: dict[int, Points] = {}
    for ids in _some(pks):
        rows = list(Chunk.objects.filter(pk__in=ids).values_list("pk", "payload"))
        found.update(zip([pk for pk, _ in rows], codec.decode_all([payload for _, payload in rows]), strict=True))
    return found


def outlines(pks: Sequence[int]) -> dict[int, Stretched]:
    """What chunks show from afar, of those that tell how its rows belong together. A query for some hundred."""
    found = {}
    for ids in _some(pks):
        rows = list(Chunk.objects.filter(pk__in=ids).values_list("pk", "outline", "stretches"))
        seen = codec.decode_all([outline for _, outline, _ in rows])
        for (pk, _, stretches), points in zip(rows, seen, strict=True):
            sizes = np.frombuffer(stretches or b"", "u1").astype(np.intp)
            if sizes.sum() == len(points):
                found[pk] = Stretched(points, sizes)
    return found


def _chunks(run_ids: Collection[int], keys: Collection[str]) -> Sequence[tuple[int, str, int, int, int, int]]:
    columns = ("run_id", "key", "pk", "count", "first_step", "last_step")
    rows = Chunk.objects.filter(run_id__in=run_ids, key__in=keys).order_by("run_id", "key", "pk")
    return list(rows.values_list(*columns))


def _size(run_ids: Collection[int], keys: Collection[str]) -> tuple[int, int]:
    totals = Chunk.objects.filter(run_id__in=run_ids, key__in=keys).aggregate(rows=Count("pk"), points=Sum("count"))
    return totals["rows"], totals["points"] or 0


def _some(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    return (pks[at : at + IDS_AT_ONCE] for at in range(0, len(pks), IDS_AT_ONCE))


def _waiting(batches: Sequence[tuple[int, int, bytes | memoryview]], keys: Collection[str]) -> dict[Name, list[Points]]:
    unpacked = codec.unpack_all([payload for _, _, payload in batches], set(keys))
    found: dict[Name, list[Points]] = {}
    for (_, run_id, _), series in zip(batches, unpacked, strict=True):
        for key, points in series:
            found.setdefault((run_id, key), []).append(points)
    return found


def _pieces(
    chunks: Iterable[tuple[int, str, int, int, int, int]], waiting: Mapping[Name, list[Points]]
) -> dict[Name, list[Piece]]:
    found: dict[Name, list[Piece]] = {}
    for run_id, key, pk, count, first_step, last_step in chunks:
        pieces = found.setdefault((run_id, key), [])
        pieces.append(Piece(pk, _end(pieces), count, first_step, last_step))
    for name, parts in waiting.items():
        _append(found.setdefault(name, []), parts)
    return found


def _append(pieces: list[Piece], parts: list[Points]) -> None:
    """What waits in batches, cut as the worker will cut it, so that nobody can tell whether it has."""
    if pieces and not chunking.is_full(pieces[-1].count):
        last = pieces.pop()
        parts = [points_of(last, payloads(chunks_of([last]))), *parts]
    for points in chunking.cut(concat(parts)):
        steps = points.steps
        pieces.append(Piece(points, _end(pieces), len(points), int(steps.min()), int(steps.max())))


def _end(pieces: Sequence[Piece]) -> int:
    return pieces[-1].before + pieces[-1].count if pieces else 0
