"""Metrics: summaries, charts as JSON columns, and whole histories as packed columns."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import replica
from core.access import Permission
from core.api import parse_query
from core.codec import number
from core.errors import Invalid
from core.time_limits import time_limit
from tracking import selectors
from tracking.api.base import RunView
from tracking.api.render import summary_out
from tracking.api.schemas import SeriesOut, SummaryOut, by_metric
from tracking.errors import HistoryTooSlow
from tracking.limits import CHART_POINTS, CHART_SERIES
from tracking.metrics.points import STEP, VALUE, Points

T = TypeVar("T")
KEY = OpenApiParameter("key", str, required=True, many=True, description="A metric; may be repeated.")


class Metrics(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses={200: by_metric(SummaryOut)})
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Count, last, least and greatest value of every metric."""
        summaries = selectors.metric_summaries(self.get_run(id))
        return Response({key: summary_out(summary) for key, summary in summaries.items()})


class Series(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        max_points = serializers.IntegerField(min_value=4, max_value=CHART_POINTS, default=1_000)
        after_step = serializers.IntegerField(min_value=-(2**63), max_value=2**63 - 1, required=False)

    @extend_schema(parameters=[KEY, Query], responses={200: by_metric(SeriesOut)})
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Columns by metric, oldest step first, thinned so that no spike is lost."""
        run = self.get_run(id)
        query = parse_query(self.Query, request)
        keys = _keys(request)

        def answer() -> dict[str, Any]:
            totals = selectors.metric_summaries(run)
            found = selectors.read_chart(run, keys, max_points=query["max_points"], after_step=query.get("after_step"))
            return {key: _columns(points, totals[key].count, query) for key, points in found.items()}

        return Response(_in_time(request, answer))


class RawSeries(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=[KEY], responses={(200, "application/x-msgpack"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - the path names it so
        """Whole histories: MessagePack, `{key: {"steps", "times", "values"}}` with packed little-endian columns."""
        run, keys = self.get_run(id), _keys(request)
        found = _in_time(request, lambda: selectors.read_points(run, keys))
        body = msgspec.msgpack.encode({key: _packed(points) for key, points in found.items()})
        return HttpResponse(body, content_type="application/x-msgpack")


def _in_time(request: Request, ask: Callable[[], T]) -> T:
    """From the replica where there is one. Raises HistoryTooSlow."""

    def limited() -> T:
        with time_limit(settings.SLOW_READ_S, HistoryTooSlow, using=replica.alias()):
            return ask()

    return replica.read(request, limited)


def _keys(request: Request) -> list[str]:
    keys = list(dict.fromkeys(request.query_params.getlist("key")))
    if not 0 < len(keys) <= CHART_SERIES:
        raise Invalid(f"Name 1 to {CHART_SERIES} metrics, each as ?key=….", field="key")
    return keys


def _columns(points: Points, count: int, query: dict[str, Any]) -> dict[str, Any]:
    return {
        "steps": points.steps.tolist(),
        "times": points.times.tolist(),
        "values": [number(value) for value in points.values.tolist()],
        "count": count,
        "downsampled": query.get("after_step") is None and len(points) < count,
    }


def _packed(points: Points) -> dict[str, bytes]:
    return {
        "steps": points.steps.astype(STEP, copy=False).tobytes(),
        "times": points.times.astype(STEP, copy=False).tobytes(),
        "values": points.values.astype(VALUE, copy=False).tobytes(),
    }
