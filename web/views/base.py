"""What every page does first: know the caller, find the project, check the right to read it. And then show a template."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from accounts import archives
from accounts.api.authentication import cookie_principal
from accounts.models import Project
from accounts.selectors import get_project
from core import replica
from core.access import Permission, Principal
from core.api import refuse_nul
from core.errors import Invalid, Unauthenticated
from web.context import PROJECT_COOKIE, Frame, frame_of

View = Callable[..., HttpResponse]
A_YEAR_S = 365 * 24 * 3600
PAGE_SIZE = 50  # rows of a list: a screenful or two


class PageRequest(HttpRequest):
    """A request that has passed `signed_in`."""

    principal: Principal
    frame: Frame


def signed_in(*, room: str = "", methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """A view for whoever is signed in by the session cookie.

    The view may raise domain errors: the problem middleware makes pages of them, and sends the anonymous to sign in.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in (*methods, "HEAD"):
                return HttpResponseNotAllowed(methods)
            _know_caller(request, room)
            _refuse_nul(request)
            return _private(view(request, *args, **kwargs))

        return guarded

    return guard


def project_page(
    *,
    room: str,
    methods: tuple[str, ...] = ("GET",),
    permission: Permission = Permission.PROJECT_READ,
    from_replica: bool = False,
) -> Callable[[View], View]:
    """A view of one project, named in the path as `project`; the view is given the `Project` itself.

    `from_replica` is for a page of slow reads that changes nothing: see `core.replica.read`.

    Raises, through the view:
        NotFound: there is no such project for this caller, which answers exactly like none at all.
        ProjectArchived: `permission` is one to write, and the project is archived.
    """

    def guard(view: View) -> View:
        @signed_in(room=room, methods=methods)
        @wraps(view)
        def guarded(request: PageRequest, project: str, *args: Any, **kwargs: Any) -> HttpResponse:
            found = get_project(name=project, visible_to=request.principal)
            archives.require(request.principal, permission, found)
            request.frame.project = found
            if from_replica:
                return _remembered(request, found, replica.read(request, lambda: view(request, found, *args, **kwargs)))
            return _remembered(request, found, view(request, found, *args, **kwargs))

        return guarded

    return guard


def show(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, template, context, status=status)


def show_part(request: HttpRequest, page: str, part: str, **context: Any) -> HttpResponse:
    """The page, or to htmx only its changing part, from one context, so that the two cannot drift apart."""
    response = show(request, part if wants_part(request) else page, **context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def wants_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _know_caller(request: HttpRequest, room: str) -> None:
    principal = cookie_principal(request)
    if principal is None:
        raise Unauthenticated("Sign in first.")
    page_request = cast("PageRequest", request)
    page_request.principal = principal
    page_request.frame = frame_of(request, principal=principal, room=room)


def _refuse_nul(request: HttpRequest) -> None:
    """Raises Invalid for an address or a form that holds NUL, which PostgreSQL keeps in no text."""
    refuse_nul(request)
    if request.method == "POST" and any("\0" in value for values in request.POST.lists() for value in values[1]):
        raise Invalid("The form holds a NUL character.")


def _remembered(request: PageRequest, project: Project, response: HttpResponse) -> HttpResponse:
    """The browser keeps which project was looked at last, so that pages of no project lead back to it."""
    if request.frame.last_project != project.name:
        response.set_cookie(
            PROJECT_COOKIE, project.name, max_age=A_YEAR_S, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    return response


def _private(response: HttpResponse) -> HttpResponse:
    """No shared cache may keep a page, and the browser asks again before it shows one from its own."""
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    return response
