"""Every request is counted, timed and logged here, by the pattern of its route: paths hold names that are nobody's business."""

import logging
import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from core import logs, metrics, tracing
from core.access import Principal

log = logging.getLogger("lineal.access")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = frozenset({"healthz", "readyz", "metrics"})  # asked every few seconds: counted, not logged

requests = metrics.counter(
    "lineal_http_requests_total", "Requests answered, by route pattern.", ["method", "route", "status"]
)
durations = metrics.histogram(
    "lineal_http_request_duration_seconds",
    "From a request's arrival to its answer; streamed bodies count until their first byte.",
    ["method", "route"],
)
in_flight = metrics.gauge("lineal_http_requests_in_flight", "Requests being answered now.")


class WatchingMiddleware:
    """Stands inside `RequestContextMiddleware`, whose ids it uses, and outside everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._answer = tracing.around_requests(self._watched, route_of)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._answer(request)

    def _watched(self, request: HttpRequest) -> HttpResponseBase:
        in_flight.inc()
        begun = time.perf_counter()
        try:
            response = self._get_response(request)
        finally:
            in_flight.dec()
        _note(request, response.status_code, time.perf_counter() - begun)
        return response


def _note(request: HttpRequest, status: int, took_s: float) -> None:
    method, route = method_of(request), route_of(request)
    count, times = _children(method, route, status)
    count.inc()
    times.observe(took_s)
    if route in PROBES or not log.isEnabledFor(logging.INFO):
        return
    took_ms = round(took_s * 1_000, 1)
    fields = {"method": method, "route": route, "status": status, "duration_ms": took_ms}
    principal = getattr(request, "principal", None)
    if isinstance(principal, Principal):
        fields["account"] = str(principal.id)
    logs.say(log, logging.INFO, f"{method} {route} {status} {took_ms} ms", **fields)


@cache
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: the library takes a lock and builds a key each time. As many as there are routes, verbs and statuses."""
    return requests.labels(method, route, str(status)), durations.labels(method, route)


def method_of(request: HttpRequest) -> str:
    """The verb, or OTHER for words of the caller's own."""
    return request.method if request.method in METHODS else "OTHER"


def route_of(request: HttpRequest) -> str:
    """The pattern that the URL map found, once it has; `static` for files, `unmatched` for what leads nowhere."""
    match = getattr(request, "resolver_match", None)
    if match is not None:
        return match.route or "/"
    return "static" if request.path.startswith(settings.STATIC_URL) else "unmatched"
