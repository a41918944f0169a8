"""Where this room's things are found: paths of pages, below the server's address."""

from urllib.parse import quote

from django.conf import settings

from monitoring.models import Firing


def cause_page(firing: Firing) -> str:
    """The page of the alert, where one caused it; else the one of the trigger."""
    project = quote(firing.trigger.project.name)
    if firing.cause_type == Firing.Cause.ALERT:
        return f"/projects/{project}/alerts/{quote(firing.cause_id, safe='')}"
    return f"/projects/{project}/triggers/{firing.trigger.uuid}"


def trigger_page(firing: Firing) -> str:
    return f"/projects/{quote(firing.trigger.project.name)}/triggers/{firing.trigger.uuid}"


def absolute(path: str) -> str:
    """With the server's public address, where LINEAL_PUBLIC_URL says one."""
    return f"{settings.PUBLIC_URL}{path}"
