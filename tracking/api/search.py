"""Search over runs: a filter, an order, pages, and the columns that are wanted."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.hot import HotView
from accounts.api.schemas import page_of
from core import replica
from core.access import Permission
from core.api import parse, parse_data, parse_query
from core.errors import Invalid
from core.pagination import DEFAULT_LIMIT, MAX_LIMIT
from tracking.api.render import runs_out
from tracking.api.schemas import CompletionOut, CountOut, RunOut
from tracking.limits import NAME_LENGTH, ORDER_LENGTH, SEARCH_EXPERIMENTS, SEARCH_LENGTH, SEARCH_OFFSET, SEARCH_ORDER
from tracking.search import count_runs, find_runs
from tracking.search.completion import complete
from tracking.search.selection import LIFECYCLES
from tracking.selectors.rows import Columns

KINDS = ("params", "tags", "metrics")
COLUMNS = 500  # keys that one page may ask for by name


class _Filter(serializers.Serializer):
    experiments = serializers.ListField(
        child=serializers.CharField(max_length=NAME_LENGTH), max_length=SEARCH_EXPERIMENTS, required=False
    )
    filter = serializers.CharField(
        max_length=SEARCH_LENGTH,
        required=False,
        allow_blank=True,
        help_text="metrics.loss < 0.1 AND params.opt = 'adam'",
    )
    lifecycle = serializers.ChoiceField(LIFECYCLES, default="active")


class SearchRuns(HotView):
    """Hot: what scripts and notebooks ask most. A third of a small page went into the framework."""

    takes_json = frozenset({"POST"})
    rate_limit = {}
    permissions = {"POST": Permission.PROJECT_READ}

    class Input(_Filter):
        order_by = serializers.ListField(
            child=serializers.CharField(max_length=ORDER_LENGTH),
            max_length=SEARCH_ORDER,
            required=False,
            help_text="metrics.auc DESC",
        )
        limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
        cursor = serializers.CharField(required=False, allow_null=True, max_length=10_000)
        offset = serializers.IntegerField(
            default=0, help_text=f"Runs to skip, at most {SEARCH_OFFSET}; a cursor is the quicker way on."
        )
        columns = serializers.ListField(
            child=serializers.CharField(max_length=600),
            max_length=COLUMNS,
            required=False,
            help_text="params.lr, metrics.loss, tags.team; all of them where this is left out.",
        )

    @extend_schema(request=Input, responses=page_of(RunOut))
    def post(self, request: Request) -> Response:
        """Runs that match, in order. Missing values come last."""
        return Response(self.answer(request._request))  # noqa: SLF001 - its documented way down

    def answer(self, request: HttpRequest, **named: str) -> dict[str, Any]:
        data = parse_data(self.Input, self.data)
        columns = _columns(data.pop("columns", None))

        def found() -> dict[str, Any]:
            page = find_runs(project=self.project, **data)
            return {"items": runs_out(page.ids, columns, project=self.project), "next_cursor": page.next_cursor}

        return replica.read(request, found)


class CountRuns(ProjectView):
    permissions = {"POST": Permission.PROJECT_READ}

    class Input(_Filter):
        pass

    @extend_schema(request=Input, responses=CountOut)
    def post(self, request: Request) -> Response:
        """How many runs match."""
        data = parse(self.Input, request)
        return Response({"count": replica.read(request, lambda: count_runs(project=self.project, **data))})


class Completions(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        q = serializers.CharField(
            max_length=SEARCH_LENGTH,
            allow_blank=True,
            trim_whitespace=False,
            default="",
            help_text="A filter as far as it is written.",
        )
        experiment = serializers.CharField(max_length=NAME_LENGTH, allow_blank=True, default="")

    @extend_schema(parameters=[Query], responses=CompletionOut)
    def get(self, request: Request) -> Response:
        """What may come next: keys that were logged, attributes, signs, values. At most 20."""
        data = parse_query(self.Query, request)
        found = replica.read(
            request, lambda: complete(project=self.project, text=data["q"], experiment=data["experiment"])
        )
        items = [{"text": item.text, "kind": item.kind} for item in found.items]
        return Response({"begin": found.begin, "items": items})


def _columns(names: Sequence[str] | None) -> Columns:
    if names is None:
        return Columns()
    keys: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in names:
        kind, dot, key = name.partition(".")
        if kind not in keys or not dot or not key:
            raise Invalid(f"A column is params.KEY, tags.KEY or metrics.KEY, and {name!r} is not.", field="columns")
        keys[kind].append(key)
    return Columns(**keys)
