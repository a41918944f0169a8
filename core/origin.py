"""Requests from other people's pages: refused before any view sees them.

A browser that holds our cookie, or stands on the same machine as a server on loopback, can be made to send requests by
any page it shows. Three things stop that here, besides the strict Host check (`ALLOWED_HOSTS`, against DNS rebinding)
and the CSRF token: the request has to come from our own origin, and a body for the API has to be of a type that no
form can send.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core.errors import Forbidden, LinealError, UnsupportedType
from core.problems import answer

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)  # fetch standard, 2.2.2
DEFAULT_PORTS = {"http": 80, "https": 443}


class ForeignOrigin(Forbidden):
    """The browser says that another site's page sent this request."""

    code = "foreign-origin"
    title = "Request from another site"


class OriginMiddleware:
    """Refuses unsafe verbs from foreign pages, and form bodies under /api/. Programs send no Origin and pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in SAFE_METHODS:
            error = foreign_origin(request) or form_body(request)
            if error is not None:
                return answer(request, error)
        return self.get_response(request)


def foreign_origin(request: HttpRequest) -> LinealError | None:
    """What is wrong with where the request comes from, if anything.

    With a cookie, Origin or Referer has to name this host. Without one, they may be missing, but not name another.
    """
    sent = request.META  # and not `headers`, which are rewritten from it, all of them
    if sent.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        return ForeignOrigin("This request was sent by another site's page.")
    source = sent.get("HTTP_ORIGIN") or sent.get("HTTP_REFERER")
    if source is None:
        if request.COOKIES and "HTTP_AUTHORIZATION" not in sent:  # no page can add that header to a foreign request
            return ForeignOrigin("A request with cookies that changes something has to carry Origin or Referer.")
        return None
    if _is_ours(source, request):
        return None
    return ForeignOrigin(f"This request was sent by a page of {source[:200]!r}, not of this server.")


def form_body(request: HttpRequest) -> LinealError | None:
    """A body that a foreign form could send without asking first, where only programs and our scripts should."""
    if not request.path.startswith("/api/") or request.content_type not in FORM_TYPES:
        return None
    return UnsupportedType(f"{request.content_type} is not read here; send application/json.")


def _is_ours(source: str, request: HttpRequest) -> bool:
    found = _host_and_port(source)
    if found is None:
        return False
    if source.rstrip("/") in settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme = "https" if source.startswith("https:") else "http"
    return found == _host_and_port(f"{scheme}://{request.get_host()}")


def _host_and_port(url: str) -> tuple[str, int] | None:
    """Host and port of an origin or address; None where it has none (as the `null` of sandboxed frames). The scheme
    only fills in the port, because a proxy in front may speak TLS where we do not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.hostname, port or DEFAULT_PORTS[parts.scheme]
