"""Writes to model versions: registered from a run's artifacts, verified by workers, put away by people."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Project
from audit.services import record
from core import events, jobs, prepared, rows
from core.access import Principal, system_principal
from lineage.services import grow
from registry import links
from registry.errors import ArtifactBarred, ModelDeleted, VersionBarred, VersionDeleted, VersionInUse, VersionPurged
from registry.evidence import version_target
from registry.models import ManifestFile, ModelVersion, Slot
from registry.services.models import ask_model, make_locked_model
from retention import tombstones
from tracking import selectors as tracking
from tracking.artifacts.paths import parse_path
from tracking.models import Blob, Run, Seal
from tracking.services.seals import ask_to_write

Entries = Sequence[tuple[str, Blob]]
Lifecycle = ModelVersion.Lifecycle
EDITABLE = ("description", "tags", "card")


class _NoModel(Exception):
    """There is none of that name yet."""


def register_version(
    *,
    project: Project,
    model: str,
    run_id: UUID,
    artifact: str,
    actor: Principal,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    card: Mapping[str, Any] | None = None,
    signature: Mapping[str, Any] | None = None,
) -> tuple[ModelVersion, list[ManifestFile] | None]:
    """The next version of `model`, of the file or folder `artifact` of a run; and its files where it is new. The model is made if it
    is missing.

    The same bytes of the same run are the same version, given back as it is. The version pins the run's seal, or has
    none until the run ends. Locks the run, then the model. Announces `model_version.registered`.

    On PostgreSQL its statements are sent in three flights: what is asked and locked, the version, and all that goes with it.

    Raises:
        Invalid: `artifact` is no path, or no model may be called so.
        RunNotFound: the project has no such run.
        RunDeleted, RunPurged, ExperimentDeleted, ModelDeleted, VersionDeleted: it, or what it would be of, was put away.
        ArtifactNotFound: the run has nothing at that path.
        ArtifactBarred: stored bytes are known to be wrong or gone.
    """
    path = parse_path(artifact, field="artifact")
    said = {"description": description, "tags": dict(tags or {}), "card": card, "signature": signature}
    try:
        with prepared.pipeline(), transaction.atomic():
            registered = _register(project, model, run_id, path, actor=actor, may_make=False, **said)
            prepared.settle()
    except _NoModel:  # making one may have to step back to a savepoint, which is nothing to be done in a flight
        with transaction.atomic():
            registered = _register(project, model, run_id, path, actor=actor, may_make=True, **said)
    return registered


def _register(
    project: Project, name: str, run_id: UUID, path: str, *, actor: Principal, may_make: bool, **said: Any
) -> tuple[ModelVersion, list[ManifestFile] | None]:
    """Raises _NoModel, before anything is written, where the model would have to be made and may not."""
    asked_run = ask_to_write(project=project, id=run_id)
    asked_entries = tracking.ask_artifact_entries(project=project, run=run_id, path=path)
    asked_seal = tracking.ask_latest_seal(project=project, run=run_id)
    asked_model = ask_model(project=project, name=name)
    run, entries, seal, model = asked_run(), _usable(asked_entries()), asked_seal(), asked_model()
    if model is None or model.purged_at is not None:
        if not may_make:
            raise _NoModel
        model = make_locked_model(project=project, name=name, actor=actor)
    if model.deleted_at is not None:
        raise ModelDeleted(model.name)
    version = ModelVersion(
        model=model,
        number=model.last_number + 1,
        digest=f"sha256:{sha256(_manifest(entries).encode()).hexdigest()}",
        run=run,
        seal=seal if run.sealed else None,
        artifact=path,
        created_by_id=actor.id,
        created_by=actor.name,
        **said,
    )
    if not rows.insert_one(version, unless="(model_id, digest, run_id) WHERE purged_at IS NULL"):
        return _known(version), None
    return version, _complete(version, entries, actor)


def _known(version: ModelVersion) -> ModelVersion:
    """The one that holds the bytes of `version` already."""
    same = ModelVersion.objects.filter(model=version.model, run=version.run, digest=version.digest, purged_at=None)
    known = same.select_related("model__project", "run", "seal").get()
    refuse_deleted(known)
    return known


def _complete(version: ModelVersion, entries: Entries, actor: Principal) -> list[ManifestFile]:
    """All that goes with a version that has just come to be. Nothing of it waits for an answer."""
    version.model.last_number = version.number
    rows.update(version.model, "last_number")
    files = [ManifestFile(version=version, path=path, blob=blob) for path, blob in entries]
    rows.insert(files)
    _join_line(version)
    _tell_registered(version, actor=actor, files=len(files))
    return files


def _usable(entries: Entries) -> Entries:
    """Raises ArtifactBarred."""
    barred = [name for name, blob in entries if not blob.is_usable]
    if barred:
        raise ArtifactBarred(f"The stored bytes of '{barred[0]}' are not what they were said to be.", files=barred[:20])
    return entries


def _manifest(entries: Entries) -> str:
    """What `sha256sum` prints for the files, in the order of their paths' UTF-8 bytes."""
    return "".join(f"{blob.sha256}  {path}\n" for path, blob in entries)


def _join_line(version: ModelVersion) -> None:
    run = version.run.uuid.hex
    name = ("model_version", version.uuid.hex)
    grow(project=version.model.project, src=("run", run), name=name, edge="generated", run_key=run)


def _tell_registered(version: ModelVersion, *, actor: Principal, files: int) -> None:
    seal = version.seal
    record(
        action="model_version.register",
        target=version_target(version),
        actor=actor,
        project=version.model.project,
        after={
            "number": version.number,
            "digest": version.digest,
            "files": files,
            "artifact": version.artifact,
            "seal": {"number": seal.number, "digest": seal.digest} if seal else None,
        },
        refs=[("run", version.run.uuid.hex), ("model", str(version.model.uuid))],
        is_first=True,
    )
    jobs.enqueue_all(
        [
            *events.promises("model_version.registered", **facts(version)),
            ("registry.review_version", {"version_id": version.pk}),  # its bytes may be verified already
        ]
    )


def facts(version: ModelVersion) -> dict[str, Any]:
    """What announcements say of a version."""
    return {
        "project_id": version.model.project_id,
        "model": version.model.name,
        "number": version.number,
        "digest": version.digest,
        "version_uuid": str(version.uuid),
        "url": links.version_page(version),
    }


@transaction.atomic
def update_version(*, version: ModelVersion, changes: Mapping[str, Any], actor: Principal) -> ModelVersion:
    """Change description, tags or card; what is as it was leaves no entry. The digest never changes. Promotions that wait are
    judged anew after a change of the card.
    """
    version = _locked(version.pk)
    refuse_deleted(version)
    changed = {key: value for key, value in changes.items() if key in EDITABLE and getattr(version, key) != value}
    if not changed:
        return version
    before = {key: getattr(version, key) for key in changed}
    for key, value in changed.items():
        setattr(version, key, value)
    version.save(update_fields=list(changed))
    _record(version, "model_version.update", actor=actor, before=before, after=changed)
    if "card" in changed:
        jobs.enqueue("registry.advance_version", version_id=version.pk)
    return version


@transaction.atomic
def retire_version(*, version: ModelVersion, reason: str, actor: Principal) -> ModelVersion:
    """Put it away for good: it may never be promoted again. Idempotent.

    Raises:
        VersionInUse: it holds an environment.
    """
    version = _locked(version.pk)
    refuse_deleted(version)
    held = Slot.objects.filter(version=version).values_list("environment__name", flat=True)
    if held:
        raise VersionInUse(f"{version.label} holds {', '.join(sorted(held))}; promote another there first.")
    return _move(version, Lifecycle.RETIRED, action="model_version.retire", actor=actor, reason=reason)


@transaction.atomic
def quarantine_version(*, version: ModelVersion, reason: str, actor: Principal) -> ModelVersion:
    """Bar it from promotion because its bytes or its making are in doubt. What runs of it keeps running, and the
    announcement lets people know. Idempotent.

    Raises:
        VersionBarred: it is retired.
    """
    version = _locked(version.pk)
    refuse_deleted(version)
    if version.lifecycle == Lifecycle.RETIRED:
        raise VersionBarred(f"{version.label} is retired, and stays so.")
    return _move(version, Lifecycle.QUARANTINED, action="model_version.quarantine", actor=actor, reason=reason)


@transaction.atomic
def review_version(*, version_id: int) -> ModelVersion:
    """Look at the state of its stored bytes: all verified makes it verified, one that is wrong or gone quarantines it.
    Waiting promotions of it go on. Idempotent; for workers.
    """
    version = _locked(version_id)
    if version.purged_at is not None:
        return version
    states = set(ManifestFile.objects.filter(version=version).values_list("blob__state", flat=True))
    worker = system_principal("worker")
    if states & {Blob.State.QUARANTINED, Blob.State.MISSING} and not version.is_barred:
        reason = "Stored bytes do not match their digest, or are gone."
        _move(version, Lifecycle.QUARANTINED, action="model_version.quarantine", actor=worker, reason=reason)
    elif states == {Blob.State.VERIFIED} and version.lifecycle == Lifecycle.CANDIDATE:
        _move(version, Lifecycle.VERIFIED, action="model_version.verify", actor=worker)
    return version


@transaction.atomic
def pin_seals(*, run: Run) -> int:
    """Pin versions registered while `run` was open to its latest seal; how many. Idempotent; for workers."""
    seal = tracking.latest_seal(run)
    waiting = ModelVersion.objects.filter(run=run, seal__isnull=True).values_list("pk", flat=True)
    if seal is None or not run.sealed:
        return 0
    return sum(_pin(version_id, seal) for version_id in waiting)


def _pin(version_id: int, seal: Seal) -> bool:
    version = _locked(version_id)
    if version.seal_id is not None:
        return False
    version.seal = seal
    version.save(update_fields=["seal"])
    after = {"seal": {"number": seal.number, "digest": seal.digest}}
    _record(version, "model_version.pin_seal", actor=system_principal("worker"), after=after)
    return True


def _move(
    version: ModelVersion, lifecycle: ModelVersion.Lifecycle, *, action: str, actor: Principal, reason: str = ""
) -> ModelVersion:
    if version.lifecycle == lifecycle:
        return version
    before, version.lifecycle = version.lifecycle, lifecycle
    version.save(update_fields=["lifecycle"])
    _record(version, action, actor=actor, reason=reason, before={"lifecycle": before}, after={"lifecycle": lifecycle})
    events.announce(f"model_version.{lifecycle}", **facts(version))
    jobs.enqueue("registry.advance_version", version_id=version.pk)
    return version


def refuse_deleted(version: ModelVersion) -> None:
    """Raises VersionPurged, or VersionDeleted."""
    refuse_purged(version)
    if version.is_deleted:
        raise VersionDeleted(version.label)


def refuse_purged(version: ModelVersion) -> None:
    """Raises VersionPurged, in the words of its tombstone."""
    if version.purged_at is not None:
        stone = tombstones.find(project=version.model.project, kind="model_version", key=version.uuid.hex)
        raise VersionPurged(version.label, tombstones.words(stone))


def _locked(version_id: int) -> ModelVersion:
    versions = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__project", "run")
    return versions.get(pk=version_id)


def _record(version: ModelVersion, action: str, *, actor: Principal, **evidence: Any) -> None:
    record(action=action, target=version_target(version), actor=actor, project=version.model.project, **evidence)
