"""The session cookie: its name, its flags, and the only code that sets or clears it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.models import PageSession
from accounts.secrets import SECRET_CHARS
from core import clock

SESSION_COOKIE = "lineal_session"


def session_secret(request: HttpRequest) -> str | None:
    """What the browser sent, if it is as long as one of ours."""
    secret = request.COOKIES.get(SESSION_COOKIE, "")
    return secret if len(secret) == SECRET_CHARS else None


def set_session(response: HttpResponseBase, *, session: PageSession, secret: str, request: HttpRequest) -> None:
    """Hand the browser its session: out of reach for scripts, not sent along from other sites, over TLS only where
    there is TLS.

    The cookie lives as long as the session may at most; the idle limit is kept by the server alone.
    """
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=max(0, int((session.ends_at - clock.now()).total_seconds())),
        httponly=True,
        secure=request.is_secure() or settings.PUBLIC_URL.startswith("https://"),
        samesite="Lax",
        path="/",
    )


def clear_session(response: HttpResponseBase) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", samesite="Lax")
