"""Signing in and out: by the one-time link whose secret the page's script posts, or by a pasted token."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import cookies, services
from accounts.api.authentication import bearer_principal, cookie_principal
from accounts.models import PageSession
from accounts.selectors import find_session
from core import ratelimit
from core.codec import parse_json
from core.context import client_ip
from core.errors import Invalid, LinealError, TooMany, UnsupportedType
from core.problems import problem_response, status_of
from web.views.base import PageRequest, show, signed_in

LONGEST_SECRET = 200  # characters; ours have 43


def login(request: HttpRequest) -> HttpResponse:
    """The one page for the anonymous. Whoever is signed in is told so and not sent on: a one-time link of another
    account may have led here, and its secret, which only the browser sees, would stay in the address.
    """
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET"])
    return _login_page(request, next_url=request.GET.get("next", ""))


def login_exchange(request: HttpRequest) -> HttpResponse:
    """JSON in and out, for the page's own script: `{"secret", "next"}` → `{"next"}` and the session cookie."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        body = _exchange_body(request)
        session, secret = _exchange(request, body["secret"])
    except LinealError as error:
        return problem_response(error)
    response = JsonResponse({"next": safe_next(request, body["next"])})
    return _begin(request, response, session, secret)


def _exchange_body(request: HttpRequest) -> dict[str, str]:
    if request.content_type != "application/json":
        raise UnsupportedType("Send the secret as application/json.")
    body = parse_json(request.body)
    secret = body.get("secret") if isinstance(body, dict) else None
    if not isinstance(secret, str) or not 0 < len(secret) <= LONGEST_SECRET:
        raise Invalid("The link's secret has to be a text.", field="secret")
    return {"secret": secret, "next": str(body.get("next") or "")}


def _exchange(request: HttpRequest, secret: str) -> tuple[PageSession, str]:
    ratelimit.take("sign_in", client_ip(request))
    return services.exchange_login_link(secret=secret, replacing=cookies.session_secret(request))


def login_token(request: HttpRequest) -> HttpResponse:
    """The form's way in: a person's own unrestricted token."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    next_url = request.POST.get("next", "")
    try:
        session, secret = _trade_token(request, request.POST.get("token", "").strip())
    except TooMany:
        raise
    except LinealError as error:
        return _login_page(request, next_url=next_url, error=error.detail, status=status_of(error))
    return _begin(request, HttpResponseRedirect(safe_next(request, next_url)), session, secret)


def _trade_token(request: HttpRequest, plaintext: str) -> tuple[PageSession, str]:
    """Raises InvalidToken, WiderThanMaker (a restricted token), Invalid (a service's token) or TooMany."""
    bearer_principal(plaintext, request)  # counts what is refused
    return services.exchange_token(plaintext=plaintext, replacing=cookies.session_secret(request))


@signed_in(methods=("POST",))
def logout(request: PageRequest) -> HttpResponse:
    session = find_session(cookies.session_secret(request) or "")
    if session is not None:
        services.end_session(session=session, actor=request.principal)
    response = HttpResponseRedirect(reverse("web:login"))
    cookies.clear_session(response)
    return response


def safe_next(request: HttpRequest, wished: str) -> str:
    """`wished` if it is a page of this server, else the overview."""
    is_ours = wished.startswith("/") and url_has_allowed_host_and_scheme(wished, allowed_hosts={request.get_host()})
    return wished if is_ours else reverse("web:home")


def _begin(request: HttpRequest, response: HttpResponse, session: PageSession, secret: str) -> HttpResponse:
    """A fresh CSRF token with the fresh session, so that nothing planted before the sign-in is worth anything after."""
    rotate_token(request)
    cookies.set_session(response, session=session, secret=secret, request=request)
    response.headers["Cache-Control"] = "no-store"
    return response


def _login_page(request: HttpRequest, *, next_url: str, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "host": request.get_host(),
        "next": next_url,
        "error": error,
        "known": cookie_principal(request),
        "onward": safe_next(request, next_url),
    }
    response = show(request, "web/login.html", status=status, **context)
    response.headers["Cache-Control"] = "no-store"
    return response
