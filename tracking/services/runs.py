"""The life of a run: started, finished, resumed. Each act is on the ledger. Putting runs away is in `lifecycle`."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from audit.services import record
from core import clock, events, jobs
from core.access import Principal
from core.errors import Invalid
from core.ids import uuid7
from lineage.models import Node
from lineage.selectors import find_node
from lineage.services import connect, ensure_node
from tracking.artifacts.paths import parse_prefix
from tracking.errors import RunDeleted, RunIdTaken
from tracking.evidence import run_target
from tracking.limits import DIFF_LENGTH, LOCK_LENGTH, NAME_LENGTH
from tracking.models import EnvironmentLock, Run, RunDiff
from tracking.selectors import find_run, get_run
from tracking.services import seals
from tracking.services.experiments import ensure_experiment
from tracking.services.params import write_params
from tracking.services.tags import write_tags
from tracking.values import Scalar, has_control


@dataclass(frozen=True)
class Origin:
    """Where a run's code ran and what it was, as the client saw it."""

    started_at: datetime | None = None
    host: str = ""
    user: str = ""
    entry_point: str = ""
    code: dict[str, Any] = field(default_factory=dict)  # repository, commit, branch, dirty, diff, folder, untracked
    environment: dict[str, Any] = field(default_factory=dict)  # digest, lock, python, platform


def create_run(
    *,
    project: Any,
    experiment: str,
    actor: Principal,
    id: UUID | None = None,  # noqa: A002 - what it is called everywhere else
    name: str = "",
    parent: UUID | None = None,
    description: str = "",
    origin: Origin | None = None,
    caused_by: UUID | None = None,
    params: dict[str, Scalar] | None = None,
    tags: dict[str, str | None] | None = None,
) -> tuple[Run, bool]:
    """The run, and whether it is new: the same id again by the same creator in the same experiment is the same run.

    `caused_by` is kept as it was said; where the project knows such a cause, the run joins its line, and `run.caused` is
    announced. A wrong one is no reason to refuse a run that may have trained for days.

    Raises:
        RunIdTaken: the id is another run's.
        RunDeleted, RunPurged: the run, or its parent, was deleted, or is gone for good.
        ExperimentDeleted: restore it first.
        RunNotFound: there is no such parent.
        Invalid: a name, param or tag cannot be stored; nothing was.
    """
    known = _known_run(project, id, experiment, actor)
    if known is not None:
        return known, False
    try:
        with transaction.atomic():
            run = _insert(
                project, experiment, actor, id or uuid7(), name, parent, description, origin or Origin(), caused_by
            )
            _write_first_values(run, params or {}, tags or {})
            _connect(run)
            record(
                action="run.create",
                target=run_target(run),
                actor=actor,
                project=project,
                after={
                    "experiment": experiment,
                    "parent": run.parent.uuid.hex if run.parent else None,
                    "caused_by": str(caused_by) if caused_by else None,
                },
            )
    except IntegrityError:  # the same request, sent twice at once
        known = _known_run(project, id, experiment, actor)
        if known is None:
            raise
        return known, False
    return run, True


def _known_run(project: Any, id: UUID | None, experiment: str, actor: Principal) -> Run | None:  # noqa: A002
    run = find_run(project=project, id=id) if id else None
    if run is None:
        return None
    seals.refuse_purged(run)
    if run.created_by_id != actor.id or run.experiment.name != experiment:
        raise RunIdTaken(run.uuid)
    if run.is_deleted:
        raise RunDeleted(run.uuid)
    return run


def _insert(  # noqa: PLR0917 - the fields of a row, from one caller
    project: Any,
    experiment: str,
    actor: Principal,
    id: UUID,  # noqa: A002 - as above
    name: str,
    parent: UUID | None,
    description: str,
    origin: Origin,
    caused_by: UUID | None,
) -> Run:
    _check_name(name)
    above = get_run(project=project, id=parent) if parent else None
    if above is not None:
        seals.refuse_purged(above)
        if above.is_deleted:
            raise RunDeleted(above.uuid)
    diff = origin.code.get("diff") or ""
    run = Run.objects.create(
        uuid=id,
        project=project,
        experiment=ensure_experiment(project=project, name=experiment, actor=actor),
        parent=above,
        name=name or f"run-{id.hex[-6:]}",
        description=description,
        created_by_id=actor.id,
        created_by=actor.name,
        client_started_at=origin.started_at,
        host=origin.host[:255],
        os_user=origin.user[:255],
        entry_point=origin.entry_point[:1000],
        code_repository=(origin.code.get("repository") or "")[:1000],
        code_commit=(origin.code.get("commit") or "")[:64],
        code_branch=(origin.code.get("branch") or "")[:255],
        code_dirty=origin.code.get("dirty"),
        code_diff_sha256=sha256(diff.encode()).hexdigest() if diff else "",
        code_folder=_folder(origin.code.get("folder")),
        code_untracked=origin.code.get("untracked"),
        caused_by=caused_by,
        environment=_environment(project, origin.environment),
    )
    if diff:
        RunDiff.objects.create(run=run, text=diff[:DIFF_LENGTH])
    return run


def _folder(given: str | None) -> str | None:
    """A folder below the repository's root; what is no such thing is not kept, since recipes go there."""
    if given is None:
        return None
    try:
        return parse_prefix(given)[:1000]
    except Invalid:
        return None


def _environment(project: Any, environment: dict[str, Any]) -> EnvironmentLock | None:
    digest = environment.get("digest")
    if not digest:
        return None
    lock, _ = EnvironmentLock.objects.get_or_create(
        project_id=project.id,
        digest=digest,
        defaults={
            "lock": (environment.get("lock") or "")[:LOCK_LENGTH],
            "python": (environment.get("python") or "")[:64],
            "platform": (environment.get("platform") or "")[:200],
        },
    )
    return lock


def _write_first_values(run: Run, params: dict[str, Scalar], tags: dict[str, str | None]) -> None:
    rejected = [*write_params(run=run, params=params).rejected, *write_tags(run=run, tags=tags).rejected]
    if rejected:
        errors = [{"field": f"{each.kind}s.{each.key}", "detail": each.detail} for each in rejected]
        raise Invalid("These values cannot be stored.", errors=errors)


def _connect(run: Run) -> None:
    """The run's node, and what it came of: parent run, commit, environment and cause."""
    node = ensure_node(project=run.project, kind="run", key=run.uuid.hex)
    sources = []
    if run.parent is not None:
        sources.append(("run", run.parent.uuid.hex, "parent_run"))
    if run.code_commit:
        sources.append(("code_commit", run.code_commit, "used"))
    if run.environment is not None:
        sources.append(("environment", run.environment.digest, "used"))
    for kind, key, edge in sources:
        source = ensure_node(project=run.project, kind=kind, key=key)
        connect(src=source, dst=node, kind=edge, run_key=run.uuid.hex)
    if run.caused_by is not None:
        _connect_cause(run, node)


def _connect_cause(run: Run, node: Node) -> None:
    cause = find_node(project=run.project, kind="cause", key=str(run.caused_by))
    if cause is not None:
        connect(src=cause, dst=node, kind="caused_by", run_key=run.uuid.hex)
        events.announce("run.caused", project_id=run.project_id, run=run.uuid.hex, cause=cause.key)


@transaction.atomic
def update_run(*, run: Run, actor: Principal, name: str | None = None, description: str | None = None) -> Run:
    """Rename or describe; None leaves a field as it is. Raises Invalid, RunDeleted."""
    run = seals.lock_for_writing(run)
    wanted = {"name": name, "description": description}
    changed = {key: value for key, value in wanted.items() if value is not None and value != getattr(run, key)}
    if "name" in changed and not name:
        raise Invalid("A run needs a name.", field="name")
    _check_name(name or "")
    if changed:
        before = {key: getattr(run, key) for key in changed}
        for key, value in changed.items():
            setattr(run, key, value)
        run.save(update_fields=list(changed))
        record(
            action="run.update",
            target=run_target(run),
            actor=actor,
            project=run.project,
            before=before,
            after=changed,
        )
    return run


@transaction.atomic
def finish_run(*, run: Run, status: str, actor: Principal, ended_at: datetime | None = None) -> Run:
    """End and seal the run. The same end again changes nothing; another status, or unsealed writes, lead to a new seal.

    Holds the run's lock while its points are hashed: some 50 ms per million. Raises RunDeleted.
    """
    run = seals.lock_for_writing(run)
    if run.status == status and run.sealed:
        return run
    if run.status != status:
        before = run.status
        run.status = status
        run.ended_at = run.ended_at or clock.now()
        run.client_ended_at = ended_at or run.client_ended_at
        run.save(update_fields=["status", "ended_at", "client_ended_at"])
        record(
            action="run.finish",
            target=run_target(run),
            actor=actor,
            project=run.project,
            before={"status": before},
            after={"status": status},
        )
    seals.seal_run(run, actor=actor)
    jobs.enqueue("tracking.compact_run", _dedupe=f"compact:{run.pk}", run_id=run.pk)
    return run


@transaction.atomic
def resume_run(*, run: Run, actor: Principal) -> Run:
    """Back to running; the seal it had stays in the ledger, the next end makes another one. Raises RunDeleted."""
    run = seals.lock_for_writing(run)
    if run.is_running:
        return run
    before = run.status
    run.status, run.ended_at, run.client_ended_at, run.sealed = Run.Status.RUNNING, None, None, False
    run.save(update_fields=["status", "ended_at", "client_ended_at", "sealed"])
    record(
        action="run.resume",
        target=run_target(run),
        actor=actor,
        project=run.project,
        before={"status": before},
        after={"status": run.status},
    )
    return run


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH or has_control(name):
        raise Invalid(
            f"A run's name has at most {NAME_LENGTH} characters, none of them control characters.", field="name"
        )
