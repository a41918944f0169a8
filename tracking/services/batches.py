"""One batch of one writer of one run, with whatever it carries, stored exactly once in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from core import jobs
from tracking.errors import SequenceGap
from tracking.metrics.columns import Columns
from tracking.metrics.points import Points
from tracking.models import Run, WriterPosition
from tracking.services import seals, series
from tracking.services.chunks import BATCHES_DUE
from tracking.services.datasets import Direction, write_datasets
from tracking.services.params import write_params
from tracking.services.series import Place
from tracking.services.tags import write_tags
from tracking.uses import DatasetUse
from tracking.values import Rejected, Scalar, Written


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
    metrics: Iterable[tuple[str, Points]] = (),
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
    columns = metrics if isinstance(metrics, Columns) else Columns.of(metrics)
    written = [
        _write_metrics(run, columns),
        write_params(run=run, params=params or {}),
        write_tags(run=run, tags=tags or {}),
        write_datasets(run=run, uses=inputs, direction=Direction.INPUT),
        write_datasets(run=run, uses=outputs, direction=Direction.OUTPUT),
    ]
    _move(run, writer, sequence, known=position is not None)
    if any(each.changed for each in written):
        seals.note_late_write(run)
    if len(columns) and sequence % BATCHES_DUE == 0:
        jobs.enqueue("tracking.compact_run", _dedupe=f"compact:{run.pk}", run_id=run.pk)
    rejected = [problem for each in written for problem in each.rejected]
    return BatchOutcome(last_sequence=sequence, rejected=rejected)


def _move(run: Run, writer: UUID, sequence: int, *, known: bool) -> None:
    """The writer's position; the run's lock keeps others from moving it."""
    if known:
        WriterPosition.objects.filter(run=run, writer=writer).update(last_sequence=sequence)
    else:
        WriterPosition.objects.create(run=run, writer=writer, last_sequence=sequence)


def _write_metrics(run: Run, metrics: Columns) -> Written:
    """One packed row, and the summaries of the series in it."""
    arrived = series.arrive(metrics)
    beyond = series.keys_beyond_limit(run.pk, arrived) if arrived.points else set()
    if beyond:
        arrived = arrived.without(beyond)
    series.store([(Place(run.pk, run.experiment_id), arrived)])
    return Written(arrived.rejected, changed=bool(arrived.points))
