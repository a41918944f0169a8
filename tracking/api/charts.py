"""Charts of many runs and metrics in one request, and how columns look on the wire."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from core import replica
from core.access import Permission
from core.api import parse
from core.codec import number
from core.errors import Invalid
from core.ids import parse_run_id
from core.time_limits import time_limit
from tracking import selectors
from tracking.api.schemas import ChartsOut
from tracking.errors import HistoryTooSlow
from tracking.limits import CHART_POINTS, CHART_RUNS, CHART_SERIES, CHARTS_AT_ONCE, CHARTS_POINTS, KEY_LENGTH
from tracking.metrics.points import STEP, VALUE, Points
from tracking.selectors import Chart
from tracking.selectors.charts import Span

T = TypeVar("T")


class MaxPoints(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 4, "max_value": CHART_POINTS, "default": 1_000, **kwargs})


class StepField(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -(2**63), "max_value": 2**63 - 1, "required": False, **kwargs})


def span_of(data: Mapping[str, Any]) -> Span | None:
    """The stretch of steps that a request is about; None for all of them. Raises Invalid."""
    if "first_step" not in data and "last_step" not in data:
        return None
    if data.get("since"):
        raise Invalid("Ask for what is new, or for a stretch of steps, but not for both.", field="since")
    first, last = data.get("first_step", -(2**63)), data.get("last_step", 2**63 - 1)
    if first > last:
        raise Invalid(f"first_step is {first}, beyond last_step, which is {last}.", field="first_step")
    return first, last


class _Charts(ProjectView):
    permissions = {"POST": Permission.PROJECT_READ}

    class Input(serializers.Serializer):
        runs = serializers.ListField(child=serializers.CharField(), allow_empty=False, max_length=CHART_RUNS)
        keys = serializers.ListField(
            child=serializers.CharField(max_length=KEY_LENGTH, trim_whitespace=False),
            allow_empty=False,
            max_length=CHART_SERIES,
        )
        max_points = MaxPoints(help_text="Of each series.")
        since = serializers.DictField(
            child=serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=2**63 - 1)),
            required=False,
            help_text="By run and metric, the count of the answer before: only what arrived later is told.",
        )
        first_step = StepField(help_text="Only points from this step on, thinned by themselves; not with `since`.")
        last_step = StepField(help_text="Only points up to this step, itself included.")

    def charts(self, request: Request, columns: Callable[[Points], dict[str, Any]]) -> dict[str, Any]:
        """Raises RunNotFound, HistoryTooSlow, Invalid."""
        data = parse(self.Input, request)
        ids = list(dict.fromkeys(parse_run_id(each) for each in data["runs"]))
        keys = list(dict.fromkeys(data["keys"]))
        if len(ids) * len(keys) > CHARTS_AT_ONCE:
            raise Invalid(
                f"{len(ids)} runs of {len(keys)} metrics are more than {CHARTS_AT_ONCE} series.", field="keys"
            )
        if len(ids) * len(keys) * data["max_points"] > CHARTS_POINTS:
            raise Invalid(
                f"{len(ids) * len(keys)} series of {data['max_points']} points are more than {CHARTS_POINTS} points.",
                field="max_points",
            )
        since = {parse_run_id(run): counts for run, counts in data.get("since", {}).items()}
        span = span_of(data)
        return in_time(request, lambda: self._answer(ids, keys, since, span, data["max_points"], columns))

    def _answer(  # noqa: PLR0917 - what one request asks for
        self,
        ids: Sequence[UUID],
        keys: Sequence[str],
        since: Mapping[UUID, Mapping[str, int]],
        span: Span | None,
        max_points: int,
        columns: Callable[[Points], dict[str, Any]],
    ) -> dict[str, Any]:
        runs = selectors.get_runs(project=self.project, ids=ids)
        known = {(runs[run].pk, key): n for run, counts in since.items() if run in runs for key, n in counts.items()}
        pks = [run.pk for run in runs.values()]
        found = selectors.read_charts(pks, keys, max_points=max_points, since=known, steps=span)
        items = []
        for run in map(runs.__getitem__, ids):
            series = {key: chart_out(found[run.pk, key], columns) for key in keys if (run.pk, key) in found}
            items.append({"run": run.uuid.hex, "status": run.status, "series": series})
        return {"items": items}


class SearchSeries(_Charts):
    @extend_schema(request=_Charts.Input, responses=ChartsOut)
    def post(self, request: Request) -> Response:
        """Charts of these metrics of these runs, each thinned so that no spike is lost. A metric that a run lacks is left out."""
        return Response(self.charts(request, columns))


class SearchRawSeries(_Charts):
    @extend_schema(request=_Charts.Input, responses={(200, "application/x-msgpack"): OpenApiTypes.BINARY})
    def post(self, request: Request) -> HttpResponse:
        """The same in MessagePack, with packed little-endian columns: steps and times int64, values float64."""
        return packed_response(self.charts(request, packed))


def in_time(request: Request, ask: Callable[[], T]) -> T:
    """From the replica where there is one. Raises HistoryTooSlow."""

    def limited() -> T:
        with time_limit(settings.SLOW_READ_S, HistoryTooSlow, using=replica.alias()):
            return ask()

    return replica.read(request, limited)


def chart_out(chart: Chart, columns: Callable[[Points], dict[str, Any]]) -> dict[str, Any]:
    told = {"count": chart.count, "since": chart.since, "downsampled": chart.is_thinned}
    return {**columns(chart.points), **told}


def columns(points: Points) -> dict[str, Any]:
    """For JSON. Arrays are written as they are, unless there is a value that JSON lacks."""
    values = points.values
    told = values if np.isfinite(values).all() else [number(value) for value in values.tolist()]
    return {name: np.ascontiguousarray(each) for name, each in (("steps", points.steps), ("times", points.times))} | {
        "values": told
    }


def packed(points: Points) -> dict[str, Any]:
    return {
        "steps": _bytes(points.steps, STEP),
        "times": _bytes(points.times, STEP),
        "values": _bytes(points.values, VALUE),
    }


def _bytes(column: np.ndarray, kind: np.dtype[Any]) -> memoryview:
    """Without a copy, where the column lies in memory as it goes over the wire."""
    return np.ascontiguousarray(column, kind).view(np.uint8).data


def packed_response(told: Any) -> HttpResponse:
    return HttpResponse(msgspec.msgpack.encode(told), content_type="application/x-msgpack")
