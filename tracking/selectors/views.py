"""Reads of saved views."""

from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from tracking.errors import ViewNotFound
from tracking.models import SavedView


def list_views(*, project: ProjectRef) -> QuerySet[SavedView]:
    """By name, with their experiments. Lazy."""
    return SavedView.objects.filter(project_id=project.id).select_related("experiment").order_by("name")


def get_view(*, project: ProjectRef, uuid: UUID) -> SavedView:
    """Raises ViewNotFound."""
    found = list_views(project=project).filter(uuid=uuid).first()
    if found is None:
        raise ViewNotFound
    return found
