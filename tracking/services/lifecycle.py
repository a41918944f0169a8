"""Runs and experiments put away: archived, deleted into the bin, restored, purged. Each act is on the ledger.

What something living came from, or what is held by hand, stays (`retention.holds`). A purge leaves the row of the
thing with a tombstone; all that was logged follows from a job (`tracking.services.emptying`).
"""

from typing import Any

from django.db import transaction

from audit.services import record
from core import clock, events, jobs
from core.access import Principal
from retention import holds as held
from retention import tombstones
from retention.errors import NotInBin
from retention.holds import Holds
from retention.kinds import Act
from tracking.errors import ExperimentPurged, RunDeleted
from tracking.evidence import experiment_target, run_target
from tracking.models import Experiment, Run
from tracking.selectors import latest_seal
from tracking.services.seals import lock_run, refuse_purged

Lifecycle = Run.Lifecycle
SAID_OF_NO_ONE = {
    "description": "",
    "host": "",
    "os_user": "",
    "entry_point": "",
    "code_repository": "",
    "code_branch": "",
    "code_diff_sha256": "",
    "environment": None,
}
"""What a purged run's row no longer says. Its name, times, creator, commit and seals stay: the ledger has them too."""


@transaction.atomic
def archive_run(*, run: Run, actor: Principal, reason: str = "") -> Run:
    """Out of the lists, but readable, writable and kept. Raises RunDeleted, RunPurged."""
    locked = lock_run(run.pk)
    refuse_purged(locked)
    if locked.is_deleted:
        raise RunDeleted(locked.uuid)
    return _move(locked, Lifecycle.ARCHIVED, "run.archive", actor, reason)


@transaction.atomic
def delete_run(*, run: Run, actor: Principal, reason: str = "", holds: Holds | None = None) -> Run:
    """Into the bin: out of sight and closed to writes until it is restored, or purged. Its children stay as they are.

    `holds` are those of a caller that took the guard already.

    Raises:
        Held: something living came from it, a version of it is kept, or it is held by hand.
        RunPurged: it is gone for good.
    """
    holds = holds or held.guarded(run.project)
    locked = lock_run(run.pk)
    refuse_purged(locked)
    if not locked.is_deleted:
        holds.refuse("run", locked.uuid.hex, Act.DELETE, label=f"Run {locked.uuid.hex}")
        locked.deleted_at = clock.now()
        locked = _move(locked, Lifecycle.DELETED, "run.delete", actor, reason)
    return locked


@transaction.atomic
def restore_run(*, run: Run, actor: Principal, reason: str = "") -> Run:
    """Back from the archive or the bin. Raises RunPurged."""
    held.enter(run.project)  # what is restored holds what it came from
    locked = lock_run(run.pk)
    refuse_purged(locked)
    locked.deleted_at = None
    return _move(locked, Lifecycle.ACTIVE, "run.restore", actor, reason)


@transaction.atomic
def purge_run(
    *, run: Run, actor: Principal, reason: str = "", holds: Holds | None = None, with_experiment: bool = False
) -> Run:
    """Gone for good, and its id stays taken. Points, params, tags, files and uses of data follow from a job. Again is
    no act. `with_experiment`: its experiment was purged, which spoke for all its runs.

    Raises:
        NotInBin: it was not deleted first.
        Held: as in `delete_run`; a version of it has to be purged first.
    """
    if not with_experiment:
        holds = holds or held.guarded(run.project)
    locked = lock_run(run.pk)
    if locked.is_purged:
        return locked
    if holds is not None and not with_experiment:
        if not locked.is_deleted:
            raise NotInBin(f"Run {locked.uuid.hex}")
        holds.refuse("run", locked.uuid.hex, Act.PURGE, label=f"Run {locked.uuid.hex}")
    before = locked.lifecycle
    _strip(locked)
    _bury_run(locked, before, actor, reason)
    jobs.enqueue("tracking.empty_purged", _dedupe="tracking.empty_purged")
    return locked


def _strip(run: Run) -> None:
    run.lifecycle = Lifecycle.PURGED
    if run.is_running:
        run.status, run.ended_at = Run.Status.KILLED, clock.now()
    for field, value in SAID_OF_NO_ONE.items():
        setattr(run, field, value)
    run.save(update_fields=["lifecycle", "status", "ended_at", *SAID_OF_NO_ONE])


def _bury_run(run: Run, before: str, actor: Principal, reason: str) -> None:
    seal = latest_seal(run)
    event_id = record(
        action="run.purge",
        target=run_target(run),
        actor=actor,
        project=run.project,
        reason=reason,
        before={"lifecycle": before},
        after={
            "lifecycle": run.lifecycle,
            "experiment": run.experiment.name,
            "seal": {"number": seal.number, "digest": seal.digest} if seal else None,
        },
    )
    tombstones.put_up(
        project=run.project,
        kind="run",
        key=run.uuid.hex,
        label=run.name,
        actor=actor,
        reason=reason,
        event_id=event_id,
    )
    events.announce("run.purged", project_id=run.project_id, run=run.uuid.hex)


def _move(locked: Run, lifecycle: str, action: str, actor: Principal, reason: str) -> Run:
    if locked.lifecycle != lifecycle:
        before = locked.lifecycle
        locked.lifecycle = lifecycle
        locked.save(update_fields=["lifecycle", "deleted_at"])
        record(
            action=action,
            target=run_target(locked),
            actor=actor,
            project=locked.project,
            reason=reason,
            before={"lifecycle": before},
            after={"lifecycle": lifecycle},
        )
    return locked


@transaction.atomic
def delete_experiment(
    *, experiment: Experiment, actor: Principal, reason: str = "", holds: Holds | None = None
) -> Experiment:
    """Into the bin: it and its runs are hidden and closed to writes; the name stays taken. Deleting twice is one act.

    Raises:
        Held: one of its runs is.
        ExperimentPurged: it is gone for good.
    """
    holds = holds or held.guarded(experiment.project)
    locked = _lock(experiment)
    if not locked.is_deleted:
        holds.refuse("experiment", locked.uuid.hex, Act.DELETE, label=f"The experiment '{locked.name}'")
        _set_deleted(locked, actor, reason, deleted=True)
    return locked


@transaction.atomic
def restore_experiment(*, experiment: Experiment, actor: Principal, reason: str = "") -> Experiment:
    """Back from the bin, with its runs as they were. Raises ExperimentPurged."""
    held.enter(experiment.project)
    locked = _lock(experiment)
    if locked.is_deleted:
        _set_deleted(locked, actor, reason, deleted=False)
    return locked


@transaction.atomic
def purge_experiment(
    *, experiment: Experiment, actor: Principal, reason: str = "", holds: Holds | None = None
) -> Experiment:
    """Gone for good, with all its runs, which a job purges one by one; its name is free again. Again is no act.

    Raises:
        NotInBin: it was not deleted first.
        Held: one of its runs is.
    """
    holds = holds or held.guarded(experiment.project)
    locked = Experiment.objects.select_for_update(of=("self",)).select_related("project").get(pk=experiment.pk)
    if locked.purged_at is not None:
        return locked
    if not locked.is_deleted:
        raise NotInBin(f"The experiment '{locked.name}'")
    holds.refuse("experiment", locked.uuid.hex, Act.PURGE, label=f"The experiment '{locked.name}'")
    event_id = record(
        action="experiment.purge",
        target=experiment_target(locked),
        actor=actor,
        project=locked.project,
        reason=reason,
        after={"runs": Run.objects.filter(experiment=locked).exclude(lifecycle=Lifecycle.PURGED).count()},
    )
    tombstones.put_up(
        project=locked.project,
        kind="experiment",
        key=locked.uuid.hex,
        label=locked.name,
        actor=actor,
        reason=reason,
        event_id=event_id,
    )
    locked.name, locked.description, locked.tags = f"{locked.uuid.hex} (purged)", "", {}
    locked.purged_at = clock.now()
    locked.save(update_fields=["name", "description", "tags", "purged_at"])
    jobs.enqueue("tracking.empty_purged", _dedupe="tracking.empty_purged")
    return locked


def _lock(experiment: Experiment) -> Experiment:
    locked = Experiment.objects.select_for_update(of=("self",)).select_related("project").get(pk=experiment.pk)
    if locked.purged_at is not None:
        stone = tombstones.find(project=locked.project, kind="experiment", key=locked.uuid.hex)
        raise ExperimentPurged(stone.label if stone else locked.name, tombstones.words(stone))
    return locked


def _set_deleted(locked: Experiment, actor: Principal, reason: str, *, deleted: bool) -> None:
    locked.deleted_at = clock.now() if deleted else None
    locked.save(update_fields=["deleted_at"])
    record(
        action="experiment.delete" if deleted else "experiment.restore",
        target=experiment_target(locked),
        actor=actor,
        project=locked.project,
        reason=reason,
    )


def purge_reason(label: str, reason: Any) -> str:
    """Why a run goes with its experiment."""
    return f"with the experiment {label}{f': {reason}' if reason else ''}"
