"""Reads of alerts."""

from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from monitoring.errors import AlertMissing
from monitoring.models import Alert


def list_alerts(
    *,
    project: ProjectRef,
    state: str | None = None,
    kind: str | None = None,
    severity: str | None = None,
    model: str | None = None,
    environment: str | None = None,
    monitor: UUID | None = None,
) -> QuerySet[Alert]:
    """Newest first. `state` may be `active`, which is every one but the closed."""
    alerts = Alert.objects.select_related(
        "project", "monitor__environment", "monitor__version__model__project", "first_window", "last_window"
    ).defer("first_window__document", "last_window__document")
    alerts = alerts.filter(project_id=project.id)
    if state:
        alerts = alerts.exclude(state=Alert.State.CLOSED) if state == "active" else alerts.filter(state=state)
    wanted = {
        "kind": kind,
        "severity": severity,
        "monitor__version__model__name": model,
        "monitor__environment__name": environment,
        "monitor__uuid": monitor,
    }
    return alerts.filter(**{name: value for name, value in wanted.items() if value is not None}).order_by("-id")


def get_alert(*, project: ProjectRef, uuid: UUID) -> Alert:
    """Raises AlertMissing."""
    alert = list_alerts(project=project).filter(uuid=uuid).first()
    if alert is None:
        raise AlertMissing(f"There is no alert {uuid} in this project.")
    return alert
