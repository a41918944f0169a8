"""What is known of the request at hand, for logs, problems and the ledger. Set by a middleware, empty in jobs and commands."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core.ids import uuid7


@dataclass(frozen=True, slots=True)
class RequestContext:
    id: str
    ip: str
    user_agent: str
    route: str
    trace_id: str


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")  # W3C Trace Context, 3.2


def current_request() -> RequestContext | None:
    return _current.get()


def client_ip(request: HttpRequest) -> str:
    """The peer's address, or what the last `LINEAL_TRUSTED_PROXIES` proxies say it was; nothing before those is believed."""
    hops: int = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


class RequestContextMiddleware:
    """Gives each request an id, in the context while it is served and in the answer's `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        trace = _TRACEPARENT.match(request.headers.get("traceparent", ""))
        context = RequestContext(
            id=uuid7().hex,
            ip=client_ip(request),
            user_agent=request.headers.get("User-Agent", "")[:256],
            route=f"{request.method} {request.path}"[:512],
            trace_id=trace.group(1) if trace else "",
        )
        token = _current.set(context)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(token)
        response["X-Request-Id"] = context.id
        return response
