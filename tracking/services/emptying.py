"""What was logged to purged runs goes, some thousand rows at a time; a worker that dies is followed by one that goes on.

Nothing here is decided: the purge was, on the record, and from then on nobody reads or writes these rows.
"""

from collections.abc import Iterator

from django.db import models, transaction

from core import clock
from core.access import Principal, system_principal
from retention import tombstones
from tracking.models import (
    Artifact,
    Batch,
    Chunk,
    Experiment,
    Param,
    Run,
    RunDiff,
    RunInput,
    RunOutput,
    Series,
    Tag,
    Upload,
    WriterPosition,
)
from tracking.services.lifecycle import purge_reason, purge_run
from tracking.services.seals import lock_run

ROWS_AT_ONCE = 2_000  # bounds one transaction
PACKED_AT_ONCE = 200  # rows of some 30 KB each
RUNS_AT_ONCE = 50

SOURCES: tuple[tuple[type[models.Model], str, int], ...] = (
    (Batch, "pk", PACKED_AT_ONCE),  # before the chunks, into which a worker may still be moving them
    (Chunk, "pk", PACKED_AT_ONCE),
    (Series, "key", ROWS_AT_ONCE),
    (Param, "key", ROWS_AT_ONCE),
    (Tag, "key", ROWS_AT_ONCE),
    (WriterPosition, "writer", ROWS_AT_ONCE),
    (RunInput, "pk", ROWS_AT_ONCE),
    (RunOutput, "pk", ROWS_AT_ONCE),
    (Artifact, "pk", ROWS_AT_ONCE),
    (Upload, "pk", ROWS_AT_ONCE),
    (RunDiff, "pk", 1),
)
"""Tables of what a run holds, each with the column that tells its rows of one run apart. Seals stay: they are digests."""


def empty_purged() -> int:
    """Purge the runs of purged experiments, and empty purged runs; how many were emptied. Safe to run twice, or at once."""
    _date_undated()
    for experiment_id in _experiments():
        while _purge_some(experiment_id):
            pass
    emptied = 0
    while (run_id := _next_run()) is not None:
        empty_run(run_id)
        emptied += 1
    return emptied


def _date_undated() -> None:
    """Runs deleted by a release that kept no date: their time in the bin begins now."""
    Run.objects.filter(lifecycle=Run.Lifecycle.DELETED, deleted_at=None).update(deleted_at=clock.now())


def _experiments() -> Iterator[int]:
    left = Experiment.objects.filter(purged_at__isnull=False, emptied_at=None).order_by("id")
    yield from list(left.values_list("pk", flat=True))


@transaction.atomic
def _purge_some(experiment_id: int) -> bool:
    """Some runs of a purged experiment, in the words of its tombstone; False when none is left."""
    experiment = Experiment.objects.select_for_update(of=("self",)).select_related("project").get(pk=experiment_id)
    runs = list(Run.objects.filter(experiment=experiment).exclude(lifecycle=Run.Lifecycle.PURGED)[:RUNS_AT_ONCE])
    stone = tombstones.find(project=experiment.project, kind="experiment", key=experiment.uuid.hex)
    reason = purge_reason(stone.label, stone.reason) if stone else ""
    for run in runs:
        purge_run(run=run, actor=_worker(), reason=reason, with_experiment=True)
    if not runs:
        Experiment.objects.filter(pk=experiment_id).update(emptied_at=clock.now())
    return bool(runs)


def _worker() -> Principal:
    return system_principal("worker")


def _next_run() -> int | None:
    left = Run.objects.filter(lifecycle=Run.Lifecycle.PURGED, emptied_at=None).order_by("id")
    return left.values_list("pk", flat=True).first()


def empty_run(run_id: int) -> None:
    """All that was logged to the run, in transactions of bounded size."""
    for table, column, at_once in SOURCES:
        while _drop_some(run_id, table, column, at_once):
            pass
    Run.objects.filter(pk=run_id).update(emptied_at=clock.now())


@transaction.atomic
def _drop_some(run_id: int, table: type[models.Model], column: str, at_once: int) -> bool:
    """Under the run's lock, so that a worker that rewrites its points is done, or finds none."""
    lock_run(run_id)
    rows = table._default_manager.filter(run_id=run_id)  # noqa: SLF001 - documented, for all its name
    some = list(rows.values_list(column, flat=True)[:at_once])
    if some:
        rows.filter(**{f"{column}__in": some}).delete()
    return len(some) == at_once
