"""Reads of sources."""

from uuid import UUID

from django.db.models import QuerySet

from monitoring.errors import SourceMissing
from monitoring.models import Monitor, Source


def list_sources(*, monitor: Monitor) -> QuerySet[Source]:
    """In the order that they were made."""
    return (
        Source.objects.select_related("monitor__project", "monitor__environment", "monitor__version__model__project")
        .filter(monitor=monitor)
        .order_by("id")
    )


def get_source(*, monitor: Monitor, uuid: UUID) -> Source:
    """Raises SourceMissing."""
    source = list_sources(monitor=monitor).filter(uuid=uuid).first()
    if source is None:
        raise SourceMissing(f"This monitor has no source {uuid}.")
    return source
