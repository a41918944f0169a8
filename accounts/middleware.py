"""Who looks at a page, and the closed door: a plain Django view is reached signed in, unless it is on the short list."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from rest_framework.views import APIView

from accounts.anonymous import ANONYMOUS_ROUTES
from accounts.api.authentication import cookie_principal
from core.errors import Unauthenticated
from core.problems import answer


class PagePrincipalMiddleware:
    """Sets `request.principal` from the session cookie (None without one) before a page's view runs, and refuses the
    anonymous everywhere but on `ANONYMOUS_ROUTES`. REST views authenticate themselves, and ask `SignedIn`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if _is_rest(view):
            return None
        principal = cookie_principal(request)
        request.principal = principal  # type: ignore[attr-defined]  # Django's request has no place of its own for it
        if principal is not None or _route(request) in ANONYMOUS_ROUTES:
            return None
        return answer(request, Unauthenticated("Sign in first."))


def _is_rest(view: Callable[..., Any]) -> bool:
    made_by = getattr(view, "cls", None)
    return isinstance(made_by, type) and issubclass(made_by, APIView)


def _route(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else ""
