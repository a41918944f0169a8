"""Seals: at its end a run's whole content goes into the ledger as one digest; late writes lead to the next one."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from django.db import transaction

from accounts.models import Project
from audit.services import record
from core import clock, events, jobs, prepared, rows
from core.access import Principal, system_principal
from retention import tombstones
from tracking import sealing
from tracking.errors import ExperimentDeleted, RunDeleted, RunNotFound, RunPurged
from tracking.evidence import run_target
from tracking.metrics import codec
from tracking.models import Artifact, Batch, Chunk, Experiment, Param, Run, RunInput, RunOutput, Seal, Tag
from tracking.selectors import latest_seal

SETTLE_S = 20  # how long after a late write the next seal waits for more of them


def lock_for_writing(run: Run) -> Run:
    """The run as it is now, locked until the transaction ends, so that writers of one run go one after the other.

    Raises:
        RunDeleted: it was deleted meanwhile.
        RunPurged: it is gone for good.
        ExperimentDeleted: it lies in an experiment that was deleted.
    """
    return _writable(lock_run(run.pk))


def ask_to_write(*, project: Project, id: UUID) -> Callable[[], Run]:  # noqa: A002 - what it is called everywhere else
    """Look the run of that id up and lock it, in one statement (`prepared.ask`); what comes back gives it. Its environment is not
    read. The answer raises as `lock_for_writing`, and

    Raises:
        RunNotFound: the project has none.
    """
    own, of_experiment = rows.columns(Run, "run"), rows.columns(Experiment, "experiment")
    asked = prepared.ask(
        f"SELECT {own}, {of_experiment} FROM tracking_run run "  # noqa: S608 - columns of ours
        "JOIN tracking_experiment experiment ON experiment.id = run.experiment_id "
        f"WHERE run.project_id = %s AND run.uuid = %s {rows.lock_of('run')}",
        [project.pk, rows.bound(id)],
    )

    def answer() -> Run:
        found = asked()
        if not found:
            raise RunNotFound(id)
        run: Run
        run, run.experiment = rows.read_all(found[0], Run, Experiment)
        run.project = project
        return _writable(run)

    return answer


def _writable(run: Run) -> Run:
    """`run`, if it may be written to. It is locked."""
    refuse_purged(run)
    if run.is_deleted:
        raise RunDeleted(run.uuid)
    if run.experiment.is_deleted:
        raise ExperimentDeleted(run.experiment.name)
    return run


def lock_run(run_id: int) -> Run:
    """The run as it is now, whatever became of it, locked until the transaction ends."""
    rows = Run.objects.select_for_update(of=("self",)).select_related("experiment", "project", "environment")
    return rows.get(pk=run_id)


def refuse_purged(run: Run) -> None:
    """Raises RunPurged, in the words of its tombstone, or in those of its experiment's, whose purge spoke for all its runs."""
    if run.is_purged:
        stone = tombstones.find(project=run.project, kind="run", key=run.uuid.hex)
        raise RunPurged(run.uuid, tombstones.words(stone))
    if run.experiment.purged_at is not None:
        stone = tombstones.find(project=run.project, kind="experiment", key=run.experiment.uuid.hex)
        raise RunPurged(run.uuid, tombstones.words(stone))


def note_late_write(run: Run) -> None:
    """A write to a run that had ended: its seal no longer covers everything, and another one is due soon."""
    if run.is_running:
        return
    run.sealed = False
    run.changed_at = clock.now()
    run.save(update_fields=["sealed", "changed_at"])
    jobs.enqueue("tracking.reseal_run", _dedupe=f"reseal:{run.pk}", _delay_s=SETTLE_S, run_id=run.pk)


def seal_run(run: Run, *, actor: Principal) -> Seal:
    """Seal n+1 over what the run holds now. The caller holds the run's lock; the ledger entry is in its transaction."""
    before = latest_seal(run)
    number = before.number + 1 if before else 1
    digest = content_digest(run)
    event_id = record(
        action="run.seal",
        target=run_target(run),
        actor=actor,
        project=run.project,
        after={"seal": number, "digest": digest, "status": run.status},
    )
    seal = Seal.objects.create(run=run, number=number, digest=digest, event_id=event_id)
    run.sealed = True
    run.save(update_fields=["sealed"])
    events.announce("run.sealed", project_id=run.project_id, run=run.uuid.hex, number=number)
    return seal


@transaction.atomic
def reseal_run(*, run_id: int) -> None:
    """Seal anew a run that was written to after its end, once the writes have settled. Safe to run twice."""
    run = lock_run(run_id)
    if not run.is_running and not run.sealed and not run.is_purged:
        seal_run(run, actor=system_principal())


def content_digest(run: Run) -> str:
    """The digest of `tracking.sealing` over what is stored. Streams the points; memory is two blocks a series."""
    return sealing.digest(
        [
            ("run", [_run_item(run)]),
            ("params", (sealing.item(*row) for row in Param.objects.filter(run=run).values_list("key", "value"))),
            ("tags", (sealing.item(*row) for row in Tag.objects.filter(run=run).values_list("key", "value"))),
            ("inputs", _dataset_items(RunInput.objects.filter(run=run).select_related("version__dataset"))),
            ("outputs", _dataset_items(RunOutput.objects.filter(run=run).select_related("version__dataset"))),
            ("artifacts", _artifact_items(run)),
            ("metrics", _metric_items(run)),
        ]
    )


def _run_item(run: Run) -> bytes:
    return sealing.item(
        run.uuid.hex,
        run.experiment.uuid.hex,
        run.status,
        clock.text(run.created_at),
        clock.text(run.ended_at) if run.ended_at else None,
        run.code_repository,
        run.code_commit,
        run.code_diff_sha256,
        run.environment.digest if run.environment else "",
    )


def _dataset_items(rows: Iterable[RunInput] | Iterable[RunOutput]) -> Iterator[bytes]:
    for row in rows:
        version = row.version
        yield sealing.item(
            version.dataset.name,
            row.context,
            version.kind,
            version.strength,
            version.digest,
            version.uri,
            version.source_version,
        )


def _artifact_items(run: Run) -> Iterator[bytes]:
    rows = Artifact.objects.filter(run=run).values_list("path", "blob__sha256", "blob__size")
    return (sealing.item(*row) for row in rows.iterator())


def _metric_items(run: Run) -> Iterator[bytes]:
    hashers: dict[str, sealing.SeriesHasher] = {}
    chunks = Chunk.objects.filter(run=run).order_by("key", "id").values_list("key", "payload")
    for key, payload in chunks.iterator(chunk_size=50):
        hashers.setdefault(key, sealing.SeriesHasher()).update(codec.decode(payload))
    batches = Batch.objects.filter(run=run).order_by("id").values_list("payload", flat=True)
    for payload in batches.iterator(chunk_size=50):
        for key, points in codec.unpack(payload):
            hashers.setdefault(key, sealing.SeriesHasher()).update(points)
    return (hasher.item(key) for key, hasher in hashers.items())
