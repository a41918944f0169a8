"""Reads of deployments: what runs where, now or at any moment."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from core.access import ProjectRef
from core.errors import NotFound
from registry.models import Deployment, Slot


def list_deployments(
    *,
    project: ProjectRef,
    model: str | None = None,
    environment: str | None = None,
    target: str | None = None,
    as_of: datetime | None = None,
    live: bool | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> QuerySet[Deployment]:
    """Newest report first. `as_of` keeps those that served at that moment, `between` those that served at some moment of
    that time, by the reporter's clock.
    """
    deployments = Deployment.objects.select_related("version__model__project", "environment", "project").filter(
        project_id=project.id
    )
    if model:
        deployments = deployments.filter(version__model__name=model)
    if environment:
        deployments = deployments.filter(environment__name=environment)
    if target:
        deployments = deployments.filter(target=target)
    if as_of is not None:
        deployments = deployments.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=as_of), started_at__lte=as_of)
    if between is not None:
        start, end = between
        deployments = deployments.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=start), started_at__lt=end)
    if live is not None:
        deployments = deployments.filter(ended_at__isnull=live)
    return deployments.order_by("-id")


def get_deployment(*, project: ProjectRef, uuid: UUID) -> Deployment:
    """Raises NotFound."""
    deployment = list_deployments(project=project).filter(uuid=uuid).first()
    if deployment is None:
        raise NotFound(f"There is no deployment {uuid} in this project.")
    return deployment


def promoted_digests(deployments: Iterable[Deployment]) -> dict[tuple[int, int], str]:
    """What is promoted now where these deployments are: digests by (model id, environment id). One query."""
    places = {(deployment.version.model_id, deployment.environment_id) for deployment in deployments}
    slots = Slot.objects.select_related("version").filter(
        model_id__in={model_id for model_id, _ in places}, version__isnull=False
    )
    return {(slot.model_id, slot.environment_id): slot.version.digest for slot in slots if slot.version is not None}
