"""Traceback and impact of whatever a text names."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from core import replica
from core.access import Permission
from core.api import parse_query
from core.errors import Invalid, NotFound
from lineage import kinds, selectors
from lineage.api import render
from lineage.selectors import MAX_NODES, Graph

KINDS_HELP = f"Kinds of node to give back, joined by commas: {', '.join(kinds.NODE_CODES)}. All by default."


class WalkQuery(serializers.Serializer):
    of = serializers.CharField(max_length=500)
    kinds = serializers.CharField(required=False, max_length=200, help_text=KINDS_HELP)
    live = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only nodes that serve now, or only those that do not."
    )
    max_nodes = serializers.IntegerField(required=False, min_value=1, max_value=MAX_NODES, default=MAX_NODES)


class _WalkView(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}
    direction: str

    def answer(self, request: Request) -> dict[str, Any]:
        query = parse_query(WalkQuery, request)
        starts = selectors.resolve(self.project, query["of"])
        if not starts:
            raise NotFound(f"Nothing in project '{self.project.name}' is named {query['of']!r}.")
        kinds_wanted = _parse_kinds(query.get("kinds"))

        def walk() -> Graph:
            return self.walk(
                starts=starts,
                kinds=kinds_wanted,
                live=query["live"],
                max_nodes=query["max_nodes"],
                visible_to=self.principal,
            )

        return render.graph(replica.read(request, walk), direction=self.direction, of=query["of"])

    def walk(self, **arguments: Any) -> Graph:
        raise NotImplementedError


DESCRIPTION = (
    "`of` names the start: `run:<id>`, `model:<name>@<environment or alias>`, `model:<name>/<number>`, `sha256:…`,"
    " `dataset:<name>`, `dataset:<name>@sha256:…`, `deployment:<id>`, `git:<commit>`, `cause:<id>`."
)


class Trace(_WalkView):
    direction = "upstream"

    @extend_schema(
        summary="What it came from",
        description=DESCRIPTION,
        parameters=[WalkQuery],
        responses=render.GraphOut,
    )
    def get(self, request: Request) -> Response:
        return Response(self.answer(request))

    def walk(self, **arguments: Any) -> Graph:
        return selectors.trace(**arguments)


class Impact(_WalkView):
    direction = "downstream"

    @extend_schema(
        summary="What came of it",
        description=DESCRIPTION,
        parameters=[WalkQuery],
        responses=render.GraphOut,
    )
    def get(self, request: Request) -> Response:
        return Response(self.answer(request))

    def walk(self, **arguments: Any) -> Graph:
        return selectors.impact(**arguments)


def _parse_kinds(text: str | None) -> list[str] | None:
    if not text:
        return None
    chosen = [kind.strip() for kind in text.split(",") if kind.strip()]
    unknown = [kind for kind in chosen if kind not in kinds.NODE_CODES]
    if unknown:
        known = ", ".join(kinds.NODE_CODES)
        raise Invalid(f"Unknown kinds of node: {', '.join(unknown)}. Known are {known}.", field="kinds")
    return chosen
