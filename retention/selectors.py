"""Reads of holds and deletions."""

from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from retention.errors import DeletionMissing, HoldMissing
from retention.models import Deletion, DeletionItem, Hold


def list_holds(*, project: ProjectRef, lifted: bool = False) -> QuerySet[Hold]:
    """Those that stand, or those that were lifted; newest first. Lazy."""
    return Hold.objects.filter(project_id=project.id, lifted_at__isnull=not lifted).order_by("-id")


def get_hold(*, project: ProjectRef, uuid: UUID) -> Hold:
    """Raises HoldMissing."""
    hold = Hold.objects.filter(project_id=project.id, uuid=uuid).first()
    if hold is None:
        raise HoldMissing(f"There is no hold {uuid} in this project.")
    return hold


def list_deletions(*, project: ProjectRef) -> QuerySet[Deletion]:
    """Newest first. Lazy."""
    return Deletion.objects.filter(project_id=project.id).order_by("-id")


def get_deletion(*, project: ProjectRef, uuid: UUID) -> Deletion:
    """Raises DeletionMissing."""
    deletion = list_deletions(project=project).select_related("project").filter(uuid=uuid).first()
    if deletion is None:
        raise DeletionMissing(f"There is no deletion {uuid} in this project.")
    return deletion


def find_deletion(*, project: ProjectRef, text: str) -> Deletion | None:
    """The one of that id as somebody wrote it; None if there is none."""
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return list_deletions(project=project).select_related("project").filter(uuid=uuid).first()


def list_items(*, deletion: Deletion, outcome: str | None = None) -> QuerySet[DeletionItem]:
    """In the order in which their turn comes. Lazy."""
    items = DeletionItem.objects.filter(deletion=deletion).order_by("id")
    return items if outcome is None else items.filter(outcome=outcome)
