"""Versions and models deleted into the bin, restored, purged. Each act is on the ledger.

What is live stays (`registry.holding`). A purge keeps the row of a version, for the promotions, deployments and receipts
that speak of it, and takes what was said of it and its manifest; bytes that nothing else claims follow by the sweep.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from audit.services import record
from core import clock, events
from core.access import Principal
from core.errors import Conflict
from registry.errors import ModelPurged
from registry.evidence import model_target, version_target
from registry.models import ManifestFile, Model, ModelVersion
from registry.services.versions import facts, refuse_purged
from retention import holds as held
from retention import tombstones
from retention.errors import NotInBin
from retention.holds import Holds
from retention.kinds import Act
from tracking.errors import ExperimentDeleted, RunDeleted, RunPurged
from tracking.models import Run
from tracking.services.seals import lock_for_writing

VERSIONS_AT_ONCE = 1_000  # purged with their model, in its transaction


class RunAway(Conflict):
    """A version cannot come back while the run it is of lies in the bin."""

    code = "run-deleted"
    title = "Its run is deleted"


@transaction.atomic
def delete_version(
    *, version: ModelVersion, actor: Principal, reason: str = "", holds: Holds | None = None
) -> ModelVersion:
    """Into the bin: out of the lists and barred from everywhere, until it is restored or purged. Again is no act.

    `holds` are those of a caller that took the guard already.

    Raises:
        Held: it holds an environment, serves, has an alias, waits for a promotion, or is held by hand.
        VersionPurged: it is gone for good.
    """
    holds = holds or held.guarded(version.model.project)
    locked = _lock_version(version.pk)
    if locked.deleted_at is None:
        holds.refuse("model_version", locked.uuid.hex, Act.DELETE, label=locked.label)
        locked.deleted_at = clock.now()
        locked.save(update_fields=["deleted_at"])
        _record(locked, "model_version.delete", actor=actor, reason=reason)
        events.announce("model_version.deleted", **facts(locked))
    return locked


@transaction.atomic
def restore_version(*, version: ModelVersion, actor: Principal, reason: str = "") -> ModelVersion:
    """Back from the bin, with the lifecycle it had.

    Raises:
        RunAway: its run is deleted, or lies in an experiment that is.
        VersionPurged: it is gone for good.
    """
    held.enter(version.model.project)  # a version keeps its run, and the run's experiment
    locked = _lock_version(version.pk)
    if locked.deleted_at is not None:
        _refuse_without_run(locked)
        locked.deleted_at = None
        locked.save(update_fields=["deleted_at"])
        _record(locked, "model_version.restore", actor=actor, reason=reason)
    return locked


@transaction.atomic
def purge_version(
    *, version: ModelVersion, actor: Principal, reason: str = "", holds: Holds | None = None
) -> ModelVersion:
    """Gone for good. Its number, digest, run and seal stay, and what promotions, deployments and reports say of it. Again
    is no act.

    Raises:
        NotInBin: it was not deleted first.
        Held: as in `delete_version`.
    """
    holds = holds or held.guarded(version.model.project)
    locked = _locked(version.pk)
    if locked.purged_at is not None:
        return locked
    if not locked.is_deleted:
        raise NotInBin(locked.label)
    holds.refuse("model_version", locked.uuid.hex, Act.PURGE, label=locked.label)
    _bury(locked, actor, reason)
    return locked


def _bury(version: ModelVersion, actor: Principal, reason: str) -> None:
    files = ManifestFile.objects.filter(version=version)
    after = {
        "number": version.number,
        "digest": version.digest,
        "files": files.count(),
        "seal": {"number": version.seal.number, "digest": version.seal.digest} if version.seal else None,
    }
    files.delete()
    version.deleted_at = version.deleted_at or clock.now()
    version.purged_at = clock.now()
    version.lifecycle = ModelVersion.Lifecycle.RETIRED
    version.description, version.tags, version.card, version.signature = "", {}, None, None
    version.save(update_fields=["deleted_at", "purged_at", "lifecycle", "description", "tags", "card", "signature"])
    event_id = _record(
        version,
        "model_version.purge",
        actor=actor,
        reason=reason,
        after=after,
        refs=[("run", version.run.uuid.hex), ("model", str(version.model.uuid))],
    )
    tombstones.put_up(
        project=version.model.project,
        kind="model_version",
        key=version.uuid.hex,
        label=version.label,
        actor=actor,
        reason=reason,
        event_id=event_id,
    )
    events.announce("model_version.purged", **facts(version))


@transaction.atomic
def delete_model(*, model: Model, actor: Principal, reason: str = "", holds: Holds | None = None) -> Model:
    """Into the bin with all its versions; the name stays taken. Again is no act.

    Raises:
        Held: one of its versions is, or the model itself by hand.
        ModelPurged: it is gone for good.
    """
    holds = holds or held.guarded(model.project)
    locked = _lock_model(model.pk)
    if locked.deleted_at is None:
        holds.refuse("model", locked.uuid.hex, Act.DELETE, label=f"The model '{locked.name}'")
        locked.deleted_at = clock.now()
        locked.save(update_fields=["deleted_at"])
        _record_model(locked, "model.delete", actor=actor, reason=reason)
    return locked


@transaction.atomic
def restore_model(*, model: Model, actor: Principal, reason: str = "") -> Model:
    """Back from the bin, with those of its versions that were not deleted by themselves.

    Raises:
        RunAway: the run of one of these is deleted, or lies in an experiment that is.
        ModelPurged: it is gone for good.
    """
    held.enter(model.project)
    locked = _lock_model(model.pk)
    if locked.deleted_at is not None:
        away = Q(run__lifecycle__in=[Run.Lifecycle.DELETED, Run.Lifecycle.PURGED]) | Q(
            run__experiment__deleted_at__isnull=False
        )
        for version in ModelVersion.objects.select_related("model", "run").filter(away, model=locked, deleted_at=None)[
            :1
        ]:
            _refuse_without_run(version)
        locked.deleted_at = None
        locked.save(update_fields=["deleted_at"])
        _record_model(locked, "model.restore", actor=actor, reason=reason)
    return locked


@transaction.atomic
def purge_model(*, model: Model, actor: Principal, reason: str = "", holds: Holds | None = None) -> Model:
    """Gone for good, with all its versions. Whoever makes a model of this name later goes on after its last number.

    Raises:
        NotInBin: it was not deleted first.
        Held: as in `delete_model`.
        Conflict: it has too many versions to go at once; purge these before.
    """
    holds = holds or held.guarded(model.project)
    locked = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
    if locked.purged_at is not None:
        return locked
    if locked.deleted_at is None:
        raise NotInBin(f"The model '{locked.name}'")
    holds.refuse("model", locked.uuid.hex, Act.PURGE, label=f"The model '{locked.name}'")
    left = list(ModelVersion.objects.filter(model=locked, purged_at=None).values_list("pk", flat=True))
    if len(left) > VERSIONS_AT_ONCE:
        raise Conflict(f"The model '{locked.name}' has {len(left)} versions; purge them first, then the model.")
    for version_id in left:
        _bury(_locked(version_id), actor, reason)
    locked.purged_at, locked.description = clock.now(), ""
    locked.save(update_fields=["purged_at", "description"])
    event_id = _record_model(
        locked,
        "model.purge",
        actor=actor,
        reason=reason,
        after={"versions": len(left), "last_number": locked.last_number},
    )
    tombstones.put_up(
        project=locked.project,
        kind="model",
        key=locked.uuid.hex,
        label=locked.name,
        actor=actor,
        reason=reason,
        event_id=event_id,
    )
    return locked


def _locked(version_id: int) -> ModelVersion:
    versions = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__project", "run", "seal")
    return versions.get(pk=version_id)


def _lock_version(version_id: int) -> ModelVersion:
    locked = _locked(version_id)
    refuse_purged(locked)
    return locked


def _lock_model(model_id: int) -> Model:
    locked = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model_id)
    if locked.purged_at is not None:
        stone = tombstones.find(project=locked.project, kind="model", key=locked.uuid.hex)
        raise ModelPurged(locked.name, tombstones.words(stone))
    return locked


def _refuse_without_run(version: ModelVersion) -> None:
    """Under the run's lock, so that it is not deleted in the same moment."""
    try:
        lock_for_writing(version.run)
    except (RunDeleted, RunPurged, ExperimentDeleted) as exc:
        raise RunAway(f"{version.label} is of run {version.run.uuid.hex}. {exc.detail}") from exc


def _record(version: ModelVersion, action: str, *, actor: Principal, reason: str, **evidence: Any) -> Any:
    return record(
        action=action,
        target=version_target(version),
        actor=actor,
        project=version.model.project,
        reason=reason,
        **evidence,
    )


def _record_model(
    model: Model, action: str, *, actor: Principal, reason: str, after: Mapping[str, Any] | None = None
) -> Any:
    return record(
        action=action, target=model_target(model), actor=actor, project=model.project, reason=reason, after=after
    )
