"""Error pages: the same problem that programs get as JSON, in words and with a way on."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.cookies import SESSION_COOKIE
from web.context import THEME_COOKIE, THEMES

HEADINGS = {
    400: "That request could not be understood",
    403: "You may not do this",
    404: "There is nothing here",
    409: "Something else is in the way",
    413: "That is too large",
    422: "That cannot be accepted",
    429: "Slower, please",
    500: "Something broke on our side",
    503: "Not available right now",
}


def render_problem(request: HttpRequest, problem: Mapping[str, Any]) -> HttpResponse:
    """The page for `problem`, a body of RFC 9457. Someone who is not signed in is sent to sign in instead.

    Uses no database, no session and no context processor, so that it still works when those are what broke.
    """
    status = int(problem["status"])
    if status == 401:
        return to_login(request)
    signed_in = SESSION_COOKIE in request.COOKIES
    context = {
        "problem": problem,
        "heading": HEADINGS.get(status, problem["title"]),
        "signed_in": signed_in,
        "theme": _theme(request),
    }
    return HttpResponse(render_to_string("web/problem.html", context), status=status)


def _theme(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def to_login(request: HttpRequest) -> HttpResponse:
    """A redirect to the sign-in page that remembers where the person was going. htmx gets told to leave the page."""
    going_to = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    url = reverse("web:login") + ("?" + urlencode({"next": going_to}) if going_to != "/" else "")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
