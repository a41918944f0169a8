"""What is known of the request at hand, for logs, problems and the ledger. Set by a middleware, empty in jobs and commands."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core import current
from core.current import RequestContext
from core.ids import request_id

REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{15,63}")  # a UUID, 32 hex digits, and what proxies make of their own
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, 3.2


def current_request() -> RequestContext | None:
    return current.request.get()


def client_ip(request: HttpRequest) -> str:
    """The peer's address, or what the last `LINEAL_TRUSTED_PROXIES` proxies say it was; nothing before those is believed."""
    hops: int = settings.TRUSTED_PROXIES
    if hops and len(forwarded := forwarded_for(request)) >= hops:
        return forwarded[-hops][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def forwarded_for(request: HttpRequest) -> list[str]:
    """The addresses that proxies wrote down, the nearest last; the caller may have written the first ones."""
    return [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]


def trace_id_of(traceparent: str) -> str:
    """The trace that a `traceparent` header belongs to; empty where it is none."""
    match = TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else ""


class RequestContextMiddleware:
    """Gives each request an id, in the context while it is served and in the answer's `X-Request-Id`: the one that it came
    with, if that is well formed, so that a proxy's log and ours can be read together.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META  # and not `headers`, which are rewritten from it, all of them
        given, traceparent = sent.get("HTTP_X_REQUEST_ID", ""), sent.get("HTTP_TRACEPARENT", "")
        trace_id = trace_id_of(traceparent) if traceparent else ""
        context = RequestContext(
            id=given if given and REQUEST_ID.fullmatch(given) else request_id(),
            ip=client_ip(request),
            user_agent=sent.get("HTTP_USER_AGENT", "")[:256],
            route=f"{request.method} {request.path}"[:512],
            trace_id=trace_id,
            traceparent=traceparent if trace_id else "",
        )
        token = current.request.set(context)
        try:
            response = self.get_response(request)
        finally:
            current.request.reset(token)
        response["X-Request-Id"] = context.id
        return response
