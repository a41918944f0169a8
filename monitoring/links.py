"""Where this room's things are found: paths below the server's address. They lead to REST, as these things have no pages."""

from urllib.parse import quote, urlencode

from django.conf import settings

from monitoring.models import Firing


def firings_of(firing: Firing) -> str:
    """The firings of its trigger, this one and its cause among them."""
    return _trigger(firing, "/firings")


def trigger_of(firing: Firing) -> str:
    return _trigger(firing, "")


def _trigger(firing: Firing, part: str) -> str:
    query = urlencode({"project": firing.trigger.project.name}, quote_via=quote)
    return f"/api/v1/triggers/{firing.trigger.uuid}{part}?{query}"


def absolute(path: str) -> str:
    """With the server's public address, where LINEAL_PUBLIC_URL says one."""
    return f"{settings.PUBLIC_URL}{path}"
