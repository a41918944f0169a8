"""What every operation's description shares: the project it is about, and the problems it can answer with."""

import inspect
import re
from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from accounts.api.base import DEFAULT_PROJECT, ProjectView
from accounts.api.schemas import ProblemOut
from accounts.cookies import SESSION_COOKIE

PROJECT = OpenApiParameter("project", str, description="Name of the project.", default=DEFAULT_PROJECT)
PROBLEM = OpenApiResponse(ProblemOut, description="A problem (RFC 9457); `type` says which.")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
BODY_VERBS = frozenset({"POST", "PUT", "PATCH"})
CHANGING_VERBS = BODY_VERBS | {"DELETE"}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs is untyped
    target_class = "accounts.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token, `lnl_…`."}


class PageScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # theirs is untyped
    target_class = "accounts.api.authentication.PageSession"
    name = "page"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "The pages' session; verbs that change something need `X-CSRFToken` too.",
        }


class Schema(AutoSchema):
    """drf-spectacular's own, with `?project=` on project routes and the problems of our one table on all of them."""

    def get_override_parameters(self) -> list[Any]:
        shared = [PROJECT] if isinstance(self.view, ProjectView) and self.view.project_in_query else []
        return [*super().get_override_parameters(), *shared]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular overrides it
        """The handler's own words, or its view's; those of what the view is made from tell of code, not of the route."""
        handler = getattr(self.view, self.method.lower(), None)
        own = self.view.__class__.__dict__.get("__doc__")
        return inspect.cleandoc(getattr(handler, "__doc__", None) or own or "")

    def get_operation_id(self) -> str:
        """`PUT /projects/{name}/members/{account}` is put_projects_by_name_members_by_account: unique, and as stable
        as it.
        """
        parts = self.path.removeprefix("/api/v1/").replace("{", "by_").replace("}", "")
        return f"{self.method.lower()}_{_NOT_IN_NAMES.sub('_', parts).strip('_')}"

    def get_serializer_name(self, serializer: Any, direction: Literal["request", "response"]) -> str:
        """`Projects.Input` is known as ProjectsInput: most views have an `Input` of their own."""
        return str(type(serializer).__qualname__).replace(".", "").lstrip("_")

    def get_auth(self) -> list[dict[str, Any]]:
        """What signs a caller in; `{}`, nothing, where the route is open, or whoever reads only the document would
        think it closed.
        """
        return super().get_auth() or [{}]

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> dict[str, Any]:
        """Without `oneOf: [{}, {type: null}]`, by which null, being anything and null, would be neither."""
        schema: dict[str, Any] = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]  # theirs is untyped
        if {} in schema.get("oneOf", ()):
            return {key: value for key, value in schema.items() if key != "oneOf"}
        return schema

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction=direction)
        refusals = [status for status in bodies if status >= "400"]
        for status in {**dict.fromkeys(refusals), **dict.fromkeys(self._problems())}:
            told = bodies.get(status, {})  # a route may say in its own words when; it is a problem all the same
            bodies[status] = self._problem(status) | ({"description": told["description"]} if told else {})
        return bodies

    def _problem(self, status: str) -> dict[str, Any]:
        answer = self._get_response_for_code(PROBLEM, status, ["application/problem+json"])  # type: ignore[no-untyped-call]  # theirs is untyped
        return dict(answer)

    def _problems(self) -> list[str]:
        open_to_all = not self.view.permission_classes
        statuses = ["400", "404", "422", "429"] if open_to_all else ["400", "401", "403", "404", "422", "429"]
        if self.method not in CHANGING_VERBS:
            return statuses
        return statuses + (["409", "413", "415"] if self.method in BODY_VERBS else ["409", "415"])
