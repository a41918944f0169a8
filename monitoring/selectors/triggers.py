"""Reads of triggers and their firings; never of credentials."""

from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from monitoring.errors import TriggerMissing
from monitoring.models import Firing, Trigger


def list_triggers(*, project: ProjectRef, on: str | None = None) -> QuerySet[Trigger]:
    """By name; those that were deleted are not among them."""
    triggers = Trigger.objects.select_related("project").defer("sealed_credentials")
    triggers = triggers.filter(project_id=project.id, deleted_at__isnull=True)
    return (triggers.filter(on=on) if on else triggers).order_by("name")


def get_trigger(*, project: ProjectRef, uuid: UUID) -> Trigger:
    """Raises TriggerMissing."""
    trigger = list_triggers(project=project).filter(uuid=uuid).first()
    if trigger is None:
        raise TriggerMissing(f"There is no trigger {uuid} in this project.")
    return trigger


def list_firings(*, trigger: Trigger, state: str | None = None) -> QuerySet[Firing]:
    """Newest first, suppressed ones among them."""
    firings = Firing.objects.select_related("trigger__project", "run", "version__model").filter(trigger=trigger)
    return (firings.filter(state=state) if state else firings).order_by("-id")
