"""The hot write: one batch of one writer of one run, stored exactly once in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from core import jobs
from tracking.errors import SequenceGap
from tracking.limits import RUN_SERIES
from tracking.metrics import codec
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import Summary, merge, summarise
from tracking.models import Batch, Run, Series, WriterPosition
from tracking.services import seals
from tracking.services.datasets import Direction, write_datasets
from tracking.services.params import write_params
from tracking.services.tags import write_tags
from tracking.uses import DatasetUse
from tracking.values import Rejected, Scalar, Written, problem_of_key

COMPACT_EVERY = 32  # batches of one writer between two calls for the worker that rewrites them as chunks
_SUMMARY_FIELDS = ["count", "last", "last_step", "last_time", "min", "min_step", "max", "max_step"]


@dataclass(frozen=True)
class BatchOutcome:
    """`rejected` is what can never be stored; everything else is, or was before if `repeated`."""

    last_sequence: int
    repeated: bool = False
    rejected: list[Rejected] = field(default_factory=list)


@transaction.atomic
def write_batch(
    *,
    run: Run,
    writer: UUID,
    sequence: int,
    metrics: Sequence[tuple[str, Points]] = (),
    params: Mapping[str, Scalar] | None = None,
    tags: Mapping[str, str | None] | None = None,
    inputs: Sequence[DatasetUse] = (),
    outputs: Sequence[DatasetUse] = (),
) -> BatchOutcome:
    """Store batch `sequence` of `writer` if it is the next one; acknowledge it if it was stored before.

    Raises:
        SequenceGap: batches before it were never seen; nothing is stored.
        RunDeleted: the run was deleted; nothing is stored.
    """
    run = seals.lock_for_writing(run)
    position = WriterPosition.objects.filter(run=run, writer=writer).first()
    last = position.last_sequence if position else 0
    if sequence <= last:
        return BatchOutcome(last_sequence=last, repeated=True)
    if sequence != last + 1:
        raise SequenceGap(expected=last + 1, given=sequence)
    written = [
        _write_metrics(run, metrics),
        write_params(run=run, params=params or {}),
        write_tags(run=run, tags=tags or {}),
        write_datasets(run=run, uses=inputs, direction=Direction.INPUT),
        write_datasets(run=run, uses=outputs, direction=Direction.OUTPUT),
    ]
    _move(run, writer, sequence, known=position is not None)
    if any(each.changed for each in written):
        seals.note_late_write(run)
    if metrics and sequence % COMPACT_EVERY == 0:
        jobs.enqueue("tracking.compact_run", _dedupe=f"compact:{run.pk}", run_id=run.pk)
    rejected = [problem for each in written for problem in each.rejected]
    return BatchOutcome(last_sequence=sequence, rejected=rejected)


def _move(run: Run, writer: UUID, sequence: int, *, known: bool) -> None:
    """The writer's position; the run's lock keeps others from moving it."""
    if known:
        WriterPosition.objects.filter(run=run, writer=writer).update(last_sequence=sequence)
    else:
        WriterPosition.objects.create(run=run, writer=writer, last_sequence=sequence)


def _write_metrics(run: Run, metrics: Sequence[tuple[str, Points]]) -> Written:
    """One packed row, and the summaries of the series in it."""
    rejected = [Rejected("metric", key, problem) for key, _ in metrics if (problem := problem_of_key(key))]
    refused = {each.key for each in rejected}
    series: dict[str, list[Points]] = {}
    for key, points in metrics:
        if key not in refused and len(points):
            series.setdefault(key, []).append(points)
    stored = {row.key: row for row in Series.objects.filter(run=run, key__in=list(series))}
    fresh = [key for key in series if key not in stored]
    for key in fresh[_room_for_series(run, fresh) :]:
        rejected.append(Rejected("metric", key, f"A run holds at most {RUN_SERIES} metrics."))
        del series[key]
    if series:
        joined = [(key, concat(parts)) for key, parts in series.items()]
        Batch.objects.create(run=run, points=sum(len(points) for _, points in joined), payload=codec.pack(joined))
        _upsert(run, {key: summarise(points) for key, points in joined}, stored)
    return Written(rejected, changed=bool(series))


def _room_for_series(run: Run, fresh: Sequence[str]) -> int:
    return max(0, RUN_SERIES - Series.objects.filter(run=run).count()) if fresh else 0


def _upsert(run: Run, arrived: Mapping[str, Summary], stored: Mapping[str, Series]) -> None:
    """New summaries merged into the stored ones; the run's lock makes read, merge and write safe."""
    rows = []
    for key, summary in arrived.items():
        before = stored.get(key)
        merged = merge(summary_of(before), summary) if before else summary
        rows.append(Series(run=run, experiment_id=run.experiment_id, key=key, **_fields(merged)))
    Series.objects.bulk_create(rows, update_conflicts=True, unique_fields=["run", "key"], update_fields=_SUMMARY_FIELDS)


def summary_of(row: Series) -> Summary:
    return Summary(**{name: getattr(row, name) for name in _SUMMARY_FIELDS})


def _fields(summary: Summary) -> dict[str, float | int | None]:
    return {name: getattr(summary, name) for name in _SUMMARY_FIELDS}
