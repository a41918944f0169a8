"""Reads of environments, and of the slots in them."""

from datetime import datetime

from django.db.models import QuerySet

from core.access import ProjectRef
from registry.errors import EnvironmentMissing
from registry.models import Environment, Model, Promotion, Slot


def list_environments(*, project: ProjectRef) -> QuerySet[Environment]:
    """In their order: position, then name."""
    return Environment.objects.select_related("policy").filter(project_id=project.id).order_by("position", "name")


def get_environment(*, project: ProjectRef, name: str) -> Environment:
    """Raises EnvironmentMissing, which names those that exist."""
    environments = {environment.name: environment for environment in list_environments(project=project)}
    if name not in environments:
        raise EnvironmentMissing(name[:64], list(environments))
    return environments[name]


def find_slot(*, model: Model, environment: Environment) -> Slot | None:
    return Slot.objects.select_related("version").filter(model=model, environment=environment).first()


def list_slots(*, model: Model) -> list[Slot]:
    """One per environment of the project, in its order; an unsaved empty one where nothing was ever promoted."""
    slots = Slot.objects.select_related("version", "promotion").filter(model=model)
    by_environment = {slot.environment_id: slot for slot in slots}
    listed = []
    for environment in list_environments(project=model.project):
        slot = by_environment.get(environment.id) or Slot(model=model, environment=environment)
        slot.environment = environment
        listed.append(slot)
    return listed


def slot_history(*, model: Model, environment: Environment, as_of: datetime | None = None) -> QuerySet[Promotion]:
    """Promotions that were carried out there, newest first; with `as_of` those up to that moment."""
    committed = Promotion.objects.select_related("version", "previous", "policy_revision__policy").filter(
        model=model, environment=environment, decision=Promotion.Decision.PROMOTED
    )
    return (committed if as_of is None else committed.filter(finished_at__lte=as_of)).order_by("-finished_at", "-id")
