"""Rewriting packed batches as chunks per series, in the background. Readers see both and never a point twice."""

from django.db import transaction

from tracking.metrics import chunking, codec
from tracking.metrics.downsample import outline
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import summarise
from tracking.models import Batch, Chunk, Run

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
    if last is not None and not chunking.is_full(last.count):
        parts = [codec.decode(last.payload), *parts]
    else:
        last = None
    for points in chunking.cut(concat(parts)):
        fields = _fields(points)
        if last is not None:
            Chunk.objects.filter(pk=last.pk).update(**fields)
            last = None
        else:
            Chunk.objects.create(run=run, key=key, **fields)


def _fields(points: Points) -> dict[str, object]:
    summary, seen = summarise(points), outline(points.by_step())
    return {
        "count": len(points),
        "first_step": int(points.steps.min()),
        "last_step": int(points.steps.max()),
        "min": summary.min,
        "max": summary.max,
        "payload": codec.encode(points),
        "outline": codec.encode(seen.points),
        "stretches": seen.sizes.astype("u1").tobytes(),
    }
