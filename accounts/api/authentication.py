"""Who is calling: a bearer token or the pages' session cookie, for every REST route of every room.

Kept free of imports of `rest_framework.views`, which itself imports these classes from the settings.
"""

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import cookies, services
from accounts.errors import CsrfRefused, InvalidToken
from accounts.selectors import find_session, principal_of_token
from accounts.selectors.principals import session_principal
from core import ratelimit
from core.access import Principal
from core.context import client_ip
from core.errors import Unauthenticated

CHALLENGE = 'Bearer realm="lineal"'
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer lnl_…`. A header that does not hold is an error, never a fall back to the cookie."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        if "HTTP_AUTHORIZATION" not in request.META:
            return None
        principal = bearer_of(_plain(request))
        _bind(request, principal)
        return principal, "bearer"

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def bearer_of(request: HttpRequest) -> Principal:
    """The principal of the request's Authorization header, which is bound to the request.

    Raises:
        Unauthenticated, InvalidToken, TooMany: as `bearer_principal`, and where the header names another scheme.
    """
    scheme, _, plaintext = request.META["HTTP_AUTHORIZATION"].partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header has to read 'Bearer lnl_…'.")
    principal = bearer_principal(plaintext.strip(), request)
    request.principal = principal  # type: ignore[attr-defined]  # Django's request has no place of its own for it
    return principal


def bearer_principal(plaintext: str, request: HttpRequest | Request) -> Principal:
    """The token's principal, its use noted.

    Raises:
        InvalidToken: it is not accepted.
        TooMany: nor were many others from this address lately. A good token is never refused for a neighbour's
            bad ones.
    """
    try:
        principal = principal_of_token(plaintext)
    except InvalidToken:
        ratelimit.take("failed_sign_in", client_ip(_plain(request)))
        raise
    if principal.token_id is not None:
        services.note_token_use(principal.token_id)
    return principal


class PageSession(BaseAuthentication):
    """The pages' cookie. Verbs that change something need the CSRF token of our own page beside it."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        principal = cookie_principal(_plain(request))
        if principal is None:
            return None
        if request.method not in SAFE_METHODS:
            enforce_csrf(_plain(request))
        _bind(request, principal)
        return principal, "cookie"

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def cookie_principal(request: HttpRequest) -> Principal | None:
    """The caller by the session cookie, or None when there is none or it has ended. Slides the session on. Two queries
    the first time, none when asked again for the same request.
    """
    known = vars(request)
    if "cookie_principal" not in known:
        known["cookie_principal"] = _prove_cookie(request)
    principal: Principal | None = known["cookie_principal"]
    return principal


def _prove_cookie(request: HttpRequest) -> Principal | None:
    secret = cookies.session_secret(request)
    session = find_session(secret) if secret else None
    if session is None:
        return None
    services.note_session_use(session)
    return session_principal(session)


def enforce_csrf(request: HttpRequest) -> None:
    """Raises CsrfRefused unless the request carries the CSRF token of our own page (and, over TLS, its origin)."""
    check = CSRFCheck(_any_view)
    check.process_request(request)
    reason = check.process_view(request, _any_view, (), {})
    if reason:
        raise CsrfRefused(f"This request did not come from our own page: {reason}")


def _any_view(request: HttpRequest) -> HttpResponse:
    """Stands for the view in Django's check, which only looks whether the view is exempt."""
    return HttpResponse()


class SignedIn(BasePermission):
    """Every route asks for a caller, unless it says otherwise with `permission_classes = []` and stands in
    `anonymous`.
    """

    def has_permission(self, request: Request, view: object) -> bool:
        if not isinstance(request.user, Principal):
            raise Unauthenticated("Sign in, or send a token as 'Authorization: Bearer lnl_…'.")
        return True


def _bind(request: Request, principal: Principal) -> None:
    request.principal = principal  # type: ignore[attr-defined]  # the REST framework's request has no place of its own for it
    _plain(request).principal = principal  # type: ignore[attr-defined]  # nor has Django's


def _plain(request: HttpRequest | Request) -> HttpRequest:
    return request._request if isinstance(request, Request) else request  # noqa: SLF001 - its documented way down
