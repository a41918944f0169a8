"""`HotView`: a route that programs ask all day, without the parts of the REST framework that it does not use.

The framework wraps each request, negotiates, looks for versions, and hands its answer through a template response: a third of
what a small batch of points cost, and more of what a look-up costs. A caller with a token is let in here by the same functions,
in the same order, with the same errors; everybody else, and every other verb, goes the framework's way.
"""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts.api.authentication import bearer_of
from accounts.api.base import DEFAULT_PROJECT, ProjectView
from accounts.selectors import get_project
from core import problems, ratelimit
from core.api import refuse_nul
from core.codec import JsonRenderer, json_bytes


class HotView(ProjectView):
    """Subclasses answer `hot_verb` in `answer`, with what becomes JSON; and in the handler of that verb for who comes the
    framework's way.
    """

    hot_verb: ClassVar[str] = "POST"
    rate_limit: ClassVar[dict[str, str]] = {"POST": "ingest"}

    def answer(self, request: HttpRequest, **named: str) -> Any:
        raise NotImplementedError

    def refused(self, exc: Exception) -> None:
        """Hears of every error, whichever way it came."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: str) -> HttpResponseBase:
        if request.method != self.hot_verb or "HTTP_AUTHORIZATION" not in request.META:
            return super().dispatch(request, *args, **kwargs)
        self.request = request  # type: ignore[assignment]  # the principal is found on either
        try:
            self._let_in(request)
            return HttpResponse(json_bytes(self.answer(request, **kwargs)), content_type=JsonRenderer.media_type)
        except Exception as exc:
            self.refused(exc)
            error = problems.translate(exc)
            if error is None:
                raise  # a bug, and Django's to tell
            problems.tell_denied(error)
            return problems.problem_response(error)

    def _let_in(self, request: HttpRequest) -> None:
        """As `APIView.initial` and those of its subclasses."""
        principal = bearer_of(request)
        ratelimit.take(self.rate_limit.get(self.hot_verb, "api"), f"token:{principal.token_id}")
        refuse_nul(request)
        self.project = get_project(name=request.GET.get("project", DEFAULT_PROJECT), visible_to=principal)
        self.check_project(self.permissions[self.hot_verb])

    def handle_exception(self, exc: Exception) -> Any:
        self.refused(exc)
        return super().handle_exception(exc)
