"""Where this room's things are found: paths below the server's address. They lead to REST, as these things have no pages."""

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


def alert_route(alert: Alert) -> str:
    return _route(f"alerts/{alert.uuid}", alert.project.name)


def reference_route(monitor: Monitor) -> str:
    return _route(f"monitors/{monitor.uuid}/reference", monitor.project.name)


def _route(path: str, project: str) -> str:
    return f"/api/v1/{path}?{urlencode({'project': project}, quote_via=quote)}"


def absolute(path: str) -> str:
    """With the server's public address, where LINEAL_PUBLIC_URL says one."""
    return f"{settings.PUBLIC_URL}{path}"
