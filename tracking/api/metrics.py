"""Metrics: summaries, charts as JSON columns, and whole histories as packed columns."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Permission
from core.api import parse_query
from core.errors import Invalid
from tracking import selectors
from tracking.api.base import RunView
from tracking.api.charts import MaxPoints, StepField, chart_out, columns, in_time, packed, packed_response, span_of
from tracking.api.render import summary_out
from tracking.api.schemas import SeriesOut, SummaryOut, by_metric
from tracking.limits import CHART_SERIES
from tracking.metrics.downsample import thin
from tracking.metrics.points import Points

KEY = OpenApiParameter("key", str, required=True, many=True, description="A metric; may be repeated.")


class Metrics(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses={200: by_metric(SummaryOut)})
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Count, last, least and greatest value of every metric."""
        summaries = selectors.metric_summaries(self.get_run(id))
        return Response({key: summary_out(summary) for key, summary in summaries.items()})


@method_decorator(
    gzip_page, name="dispatch"
)  # pages ask for it, and it is mostly digits; SDKs read the packed columns instead
class Series(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        max_points = MaxPoints()
        after_step = serializers.IntegerField(min_value=-(2**63), max_value=2**63 - 1, required=False)
        since = serializers.ListField(
            child=serializers.IntegerField(min_value=0, max_value=2**63 - 1),
            required=False,
            max_length=CHART_SERIES,
            help_text="For each key in turn, the count of the answer before: only what arrived later is told.",
        )
        first_step = StepField(
            help_text="Only points from this step on, thinned by themselves; not with `since` or `after_step`."
        )
        last_step = StepField(help_text="Only points up to this step, itself included.")

    @extend_schema(parameters=[KEY, Query], responses={200: by_metric(SeriesOut)})
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Columns by metric, oldest step first, thinned so that no spike is lost; all of it, or what has come since an earlier answer."""
        run = self.get_run(id)
        query = parse_query(self.Query, request)
        keys = _keys(request)
        since = _since(request, query.get("since"))
        span = span_of(query)
        if span and "after_step" in query:
            raise Invalid(
                "Ask for what follows a step, or for a stretch of steps, but not for both.", field="after_step"
            )

        def answer() -> dict[str, Any]:
            if "after_step" in query:
                found = selectors.read_points(run, keys, after_step=query["after_step"])
                totals = selectors.metric_summaries(run)
                return {key: _beyond(points, totals[key].count, query["max_points"]) for key, points in found.items()}
            charts = selectors.read_chart(run, keys, max_points=query["max_points"], since=since, steps=span)
            return {key: chart_out(chart, columns) for key, chart in charts.items()}

        return Response(in_time(request, answer))


class RawSeries(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=[KEY], responses={(200, "application/x-msgpack"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - the path names it so
        """Whole histories: MessagePack, `{key: {"steps", "times", "values"}}` with packed little-endian columns."""
        run, keys = self.get_run(id), _keys(request)
        found = in_time(request, lambda: selectors.read_points(run, keys))
        return packed_response({key: packed(points) for key, points in found.items()})


def _keys(request: Request) -> list[str]:
    keys = list(dict.fromkeys(request.query_params.getlist("key")))
    if not 0 < len(keys) <= CHART_SERIES:
        raise Invalid(f"Name 1 to {CHART_SERIES} metrics, each as ?key=….", field="key")
    return keys


def _since(request: Request, given: Sequence[int] | None) -> dict[str, int]:
    keys = request.query_params.getlist("key")
    if given and len(given) != len(keys):
        raise Invalid(f"Give as many ?since=… as ?key=…: there are {len(given)} and {len(keys)}.", field="since")
    return dict(zip(keys, given or [], strict=False))


def _beyond(points: Points, count: int, max_points: int) -> dict[str, Any]:
    thinned = thin(points, max_points=max_points)
    return {**columns(thinned), "count": count, "since": 0, "downsampled": len(thinned) < len(points)}
