"""Reads of intake hooks; never of their secrets."""

from uuid import UUID

from django.db.models import Max, QuerySet

from core.access import ProjectRef
from monitoring.errors import IntakeHookMissing
from monitoring.models import IntakeHook


def list_hooks(*, project: ProjectRef) -> QuerySet[IntakeHook]:
    """By name, each with `last_received_at`, None before the first message."""
    hooks = IntakeHook.objects.select_related("project", "model").defer("sealed_secret").filter(project_id=project.id)
    return hooks.annotate(last_received_at=Max("deliveries__received_at")).order_by("name")


def get_hook(*, project: ProjectRef, uuid: UUID) -> IntakeHook:
    """Raises IntakeHookMissing."""
    hook = list_hooks(project=project).filter(uuid=uuid).first()
    if hook is None:
        raise IntakeHookMissing(f"There is no intake hook {uuid} in this project.")
    return hook
