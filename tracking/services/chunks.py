"""Rewriting packed batches as chunks per series, in the background. Readers see both and never a point twice."""

from collections.abc import Iterator

from django.db import transaction

from tracking.metrics import codec
from tracking.metrics.downsample import outline
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import summarise
from tracking.models import Batch, Chunk, Run

CHUNK_POINTS = 4_000  # 30 KB a chunk: small enough to decode for one look, large enough for few rows
BATCHES_AT_ONCE = 256  # bounds the transaction that holds the run's lock


def compact_run(*, run_id: int) -> int:
    """Move all packed batches of the run into chunks, some hundred at a time; how many batches. Safe to run twice."""
    moved = 0
    while step := _compact_some(run_id):
        moved += step
    return moved


@transaction.atomic
def _compact_some(run_id: int) -> int:
    run = Run.objects.select_for_update(of=("self",)).get(pk=run_id)
    batches = list(Batch.objects.filter(run=run).order_by("id")[:BATCHES_AT_ONCE])
    series: dict[str, list[Points]] = {}
    for batch in batches:
        for key, points in codec.unpack(batch.payload):
            series.setdefault(key, []).append(points)
    for key, parts in series.items():
        _append(run, key, parts)
    Batch.objects.filter(pk__in=[batch.pk for batch in batches]).delete()
    return len(batches)


def _append(run: Run, key: str, parts: list[Points]) -> None:
    """Fill the last chunk of the series up, then begin new ones."""
    last = Chunk.objects.filter(run=run, key=key).order_by("-id").first()
    if last is not None and last.count < CHUNK_POINTS:
        parts = [codec.decode(last.payload), *parts]
    else:
        last = None
    for points in _cut(concat(parts)):
        fields = _fields(points)
        if last is not None:
            Chunk.objects.filter(pk=last.pk).update(**fields)
            last = None
        else:
            Chunk.objects.create(run=run, key=key, **fields)


def _cut(points: Points) -> Iterator[Points]:
    return (points[at : at + CHUNK_POINTS] for at in range(0, len(points), CHUNK_POINTS))


def _fields(points: Points) -> dict[str, object]:
    summary = summarise(points)
    return {
        "count": len(points),
        "first_step": int(points.steps.min()),
        "last_step": int(points.steps.max()),
        "min": summary.min,
        "max": summary.max,
        "payload": codec.encode(points),
        "outline": codec.encode(outline(points.by_step())),
    }
