"""`HotView`: a route that programs ask all day, without the parts of the REST framework that it does not use.

The framework wraps each request, negotiates, looks for versions, and hands its answer through a template response: a third of
what a small batch of points cost, and more of what a look-up costs. A caller with a token is let in here by the same functions,
in the same order, with the same errors; everybody else, and every other verb, goes the framework's way.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api.authentication import bearer_of
from accounts.api.base import DEFAULT_PROJECT, ProjectView
from accounts.selectors import get_project
from core import problems, ratelimit
from core.api import refuse_nul
from core.codec import JsonRenderer, json_answer, read_json


class HotView(ProjectView):
    """Subclasses name the method that answers each hot verb, with what becomes JSON, or with an answer of its own status
    (`core.codec.json_answer`); the verb's handler calls it, too, for who comes the framework's way.
    """

    hot: ClassVar[Mapping[str, str]] = {"POST": "answer"}
    takes_json: ClassVar[frozenset[str]] = frozenset()
    """Hot verbs whose body is `data`; another form of it goes the framework's way."""
    rate_limit: ClassVar[dict[str, str]] = {"POST": "ingest"}

    def answer(self, request: HttpRequest, **named: str) -> Any:
        raise NotImplementedError

    @property
    def data(self) -> Any:
        """The JSON that the request brings, whichever way it came. Raises as `core.codec.JsonParser.parse`."""
        request: Any = self.request
        if isinstance(request, HttpRequest):
            return read_json(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        return request.data

    def refused(self, exc: Exception) -> None:
        """Hears of every error, whichever way it came."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: str) -> HttpResponseBase:
        verb = request.method or ""
        if verb not in self.hot or "HTTP_AUTHORIZATION" not in request.META or self._is_foreign(request, verb):
            return super().dispatch(request, *args, **kwargs)
        self.request = request  # type: ignore[assignment]  # the principal is found on either
        try:
            self._let_in(request, verb)
            found = getattr(self, self.hot[verb])(request, **kwargs)
            return found if isinstance(found, HttpResponseBase) else json_answer(found)
        except Exception as exc:
            self.refused(exc)
            error = problems.translate(exc)
            if error is None:
                raise  # a bug, and Django's to tell
            problems.tell_denied(error)
            return problems.problem_response(error)

    def _is_foreign(self, request: HttpRequest, verb: str) -> bool:
        """Whether there is no body, or one that the framework has words about."""
        if verb not in self.takes_json:
            return False
        length = request.META.get("CONTENT_LENGTH") or ""
        return request.META.get("CONTENT_TYPE") != JsonRenderer.media_type or not length.strip("0")

    def _let_in(self, request: HttpRequest, verb: str) -> None:
        """As `APIView.initial` and those of its subclasses."""
        principal = bearer_of(request)
        ratelimit.take(self.rate_limit.get(verb, "api"), f"token:{principal.token_id}")
        refuse_nul(request)
        self.project = get_project(name=request.GET.get("project", DEFAULT_PROJECT), visible_to=principal)
        self.check_project(self.permissions[verb])

    def handle_exception(self, exc: Exception) -> Any:
        self.refused(exc)
        return super().handle_exception(exc)
