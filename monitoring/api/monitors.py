"""Monitors: asked for by serving code, looked at and set by people."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from monitoring import selectors, services
from monitoring.api.monitor_render import ColumnChoice, MonitorOut, QuestionOut, QuietHours, monitor_out, question_out
from monitoring.models import Monitor
from monitoring.services.monitors import LONGEST_GRACE_S, LONGEST_WINDOW_S, MOST_LEARNT, SHORTEST_WINDOW_S
from registry.api.base import JsonObjectField, RegistryView


class MonitorView(RegistryView):
    def find_monitor(self, uuid: UUID) -> Monitor:
        return selectors.get_monitor(project=self.project, uuid=uuid)


class MonitorOfEnvironment(RegistryView):
    permissions = {"GET": Permission.PROFILE_REPORT}

    class Query(serializers.Serializer):
        version = serializers.CharField(
            max_length=80, required=False, help_text="A number or digest; what is in service there if left out."
        )

    @extend_schema(parameters=[Query], responses=QuestionOut)
    def get(self, request: Request, name: str, environment: str) -> Response:
        """Where serving code sends its profiles, and what it makes them against. The monitor is made if need be."""
        ref = parse_query(self.Query, request).get("version")
        place = self.find_environment(environment)
        version = (
            self.find_version(name, ref)
            if ref
            else selectors.version_in_service(model=self.find_model(name), environment=place)
        )
        monitor, _ = services.ensure_monitor(version=version, environment=place, actor=self.principal)
        return Response(question_out(monitor, selectors.find_baseline(version)))


class Monitors(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        model = serializers.CharField(max_length=250, required=False)
        environment = serializers.CharField(max_length=64, required=False)
        version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
        enabled = serializers.BooleanField(required=False, allow_null=True, default=None)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(MonitorOut))
    def get(self, request: Request) -> Response:
        """Newest first. Every version that is promoted or says that it runs somewhere has one."""
        monitors = selectors.list_monitors(project=self.project, **parse_query(self.Query, request))
        return Response(page(monitors, request, column="id", newest_first=True, render=monitor_out))


class OneMonitor(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ, "PATCH": Permission.MONITOR_WRITE}

    class Input(serializers.Serializer):
        enabled = serializers.BooleanField(required=False)
        window_s = serializers.IntegerField(min_value=SHORTEST_WINDOW_S, max_value=LONGEST_WINDOW_S, required=False)
        grace_s = serializers.IntegerField(min_value=0, max_value=LONGEST_GRACE_S, required=False)
        limits = JsonObjectField(required=False, help_text="Those that differ from the defaults; replaced whole.")
        columns = ColumnChoice(required=False)
        severity = serializers.ChoiceField(Monitor.Severity.values, required=False)
        quiet_hours = QuietHours(required=False, allow_null=True)
        silence_windows = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
        learn_windows = serializers.IntegerField(min_value=0, max_value=MOST_LEARNT, required=False)
        owner = serializers.CharField(max_length=128, required=False)

    @extend_schema(responses=MonitorOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """How it judges, and how it stands now."""
        return Response(monitor_out(self.find_monitor(uuid)))

    @extend_schema(request=Input, responses=MonitorOut)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change how it judges, and when it tells; what is left out stays. Limits and columns are replaced whole, and hold
        for what is judged from now on; a new length holds from the next window on.
        """
        changes: dict[str, Any] = parse(self.Input, request)
        services.update_monitor(monitor=self.find_monitor(uuid), changes=changes, actor=self.principal)
        return Response(monitor_out(self.find_monitor(uuid)))


class ReferenceOfMonitor(MonitorView):
    permissions = {"GET": Permission.PROFILE_REPORT}

    @extend_schema(
        responses={
            200: OpenApiTypes.OBJECT,
            304: OpenApiResponse(description="It is the one that If-None-Match names."),
        }
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        """What profiles are made against: the cells of each column, and the hashing key, which is why readers alone do not
        get it. Its ETag names cells and key: the same cells under another key are another reference.
        """
        baseline = selectors.get_baseline(self.find_monitor(uuid).version)
        etag = f'"{baseline.reference_id}.{baseline.key_name}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if baseline.reference_id and etag in request.headers.get("If-None-Match", ""):
            return Response(status=304, headers=headers)
        return Response(services.reference_for(baseline).to_json(), headers=headers)
