"""Experiments come to be, and are described anew. Putting them away is in `lifecycle`."""

from typing import Any

from django.db import transaction

from audit.services import record
from core.access import Principal
from core.errors import Invalid
from tracking.errors import ExperimentDeleted, ExperimentExists
from tracking.evidence import experiment_target
from tracking.limits import NAME_LENGTH
from tracking.models import Experiment
from tracking.selectors import find_experiment
from tracking.values import has_control, problem_of_key, problem_of_tag


@transaction.atomic
def create_experiment(
    *, project: Any, name: str, actor: Principal, description: str = "", tags: dict[str, str] | None = None
) -> Experiment:
    """A new experiment.

    Raises:
        ExperimentExists: the name is taken, be it by a deleted one.
        Invalid: the name is empty, too long, or holds control characters.
    """
    _check_name(name)
    _check_tags(tags)
    found = find_experiment(project=project, name=name)
    if found is not None:
        raise ExperimentExists(name, deleted=found.is_deleted)
    experiment, created = Experiment.objects.get_or_create(
        project_id=project.id,
        name=name,
        defaults={"description": description, "tags": tags or {}, "created_by": actor.name},
    )
    if not created:
        raise ExperimentExists(name, deleted=experiment.is_deleted)
    record(
        action="experiment.create",
        target=experiment_target(experiment),
        actor=actor,
        project=project,
        after={"name": name, "description": description, "tags": tags or {}},
    )
    return experiment


def ensure_experiment(*, project: Any, name: str, actor: Principal) -> Experiment:
    """The living experiment of that name, created if it is missing. Raises ExperimentDeleted, Invalid."""
    found = find_experiment(project=project, name=name)
    if found is None:
        try:
            return create_experiment(project=project, name=name, actor=actor)
        except ExperimentExists:  # another run of the same start has just made it
            found = Experiment.objects.get(project_id=project.id, name=name)
    if found.is_deleted:
        raise ExperimentDeleted(name)
    return found


@transaction.atomic
def update_experiment(
    *,
    experiment: Experiment,
    actor: Principal,
    name: str | None = None,
    description: str | None = None,
    tags: dict[str, str] | None = None,
) -> Experiment:
    """Rename or describe it; None leaves a field as it is. Raises ExperimentExists, Invalid."""
    wanted = {"name": name, "description": description, "tags": tags}
    changed = {key: value for key, value in wanted.items() if value is not None and value != getattr(experiment, key)}
    if not changed:
        return experiment
    if "name" in changed:
        _check_name(name or "")
        other = find_experiment(project=experiment.project, name=name or "")
        if other is not None:
            raise ExperimentExists(name or "", deleted=other.is_deleted)
    _check_tags(tags)
    before = {key: getattr(experiment, key) for key in changed}
    for key, value in changed.items():
        setattr(experiment, key, value)
    experiment.save(update_fields=list(changed))
    record(
        action="experiment.update",
        target=experiment_target(experiment),
        actor=actor,
        project=experiment.project,
        before=before,
        after=changed,
    )
    return experiment


def _check_tags(tags: dict[str, str] | None) -> None:
    for key, value in (tags or {}).items():
        problem = problem_of_key(key) or problem_of_tag(value)
        if problem is not None:
            raise Invalid(problem, field=f"tags.{key[:300]}")


def _check_name(name: str) -> None:
    if not name or not name.strip():
        raise Invalid("An experiment needs a name.", field="name")
    if len(name) > NAME_LENGTH:
        raise Invalid(f"An experiment's name has at most {NAME_LENGTH} characters; this has {len(name)}.", field="name")
    if has_control(name):
        raise Invalid("An experiment's name holds no control characters.", field="name")
