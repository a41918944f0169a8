"""Where this room's things are found: paths of pages and routes, below the server's address."""

from urllib.parse import quote, urlencode

from django.conf import settings

from monitoring.models import Alert, Firing, Monitor


def firings_of(firing: Firing) -> str:
    """The firings of its trigger, this one and its cause among them."""
    return _trigger(firing, "/firings")


def trigger_of(firing: Firing) -> str:
    return _trigger(firing, "")


def _trigger(firing: Firing, part: str) -> str:
    return _route(f"triggers/{firing.trigger.uuid}{part}", firing.trigger.project.name)


def alert_page(alert: Alert) -> str:
    return f"/projects/{quote(alert.project.name)}/monitoring/alerts/{alert.uuid}"


def reference_route(monitor: Monitor) -> str:
    return _route(f"monitors/{monitor.uuid}/reference", monitor.project.name)


def _route(path: str, project: str) -> str:
    return f"/api/v1/{path}?{urlencode({'project': project}, quote_via=quote)}"


def absolute(path: str) -> str:
    """With the server's public address, where LINEAL_PUBLIC_URL says one."""
    return f"{settings.PUBLIC_URL}{path}"
