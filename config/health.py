"""Is this process alive, and is it fit to serve? Asked by orchestrators, load balancers and whoever waits for a start. Neither
answer tells a stranger more than a word.
"""

import logging

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse

from config import draining
from core import doorbell, schema

log = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all: a database that is away is not mended by a restart."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served, else 503. A broker that is away delays jobs by seconds, and is told, not held against it."""
    problem = _problem()
    body = {"status": problem or "ok", "broker": _broker()}
    return JsonResponse(body, status=503 if problem else 200)


def _problem() -> str | None:
    if draining.is_draining():
        return "stopping"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        misfit = schema.find_misfit()
    except Error as exc:
        log.warning("Not ready, as the database does not answer: %s", exc)
        return "database unavailable"
    if misfit is None:
        return None
    log.warning("Not ready: %s", misfit.detail)
    return "migrations missing" if misfit.may_pass else "release too old"


def _broker() -> str:
    if not settings.RING_WORKERS:
        return "unknown"
    doorbell.ringer.look()
    return doorbell.ringer.state
