"""What the three lists of the monitoring room lead to."""

from django.urls import reverse

from accounts.models import Project
from monitoring import selectors

TABS = (("Deployments", "web:monitor_list"), ("Alerts", "web:alert_list"), ("Triggers", "web:trigger_list"))


def room_tabs(project: Project, current: str) -> list[tuple[str, str, bool, int | None]]:
    """Label, address, whether it is this page, and how many alerts are not closed."""
    active = selectors.list_alerts(project=project, state="active").count()
    return [
        (label, reverse(view, args=[project.name]), view == current, active if view == "web:alert_list" else None)
        for label, view in TABS
    ]
