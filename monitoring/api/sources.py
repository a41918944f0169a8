"""Sources of a monitor: files that the server itself profiles."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from monitoring import selectors, services
from monitoring.api.monitors import MonitorView
from monitoring.models import Source

PATH_HELP = "On the server, below LINEAL_DATA_ROOTS; %Y, %m, %d, %H and %M stand for the window's start, in UTC."
DAILY_HELP = "A time of day in UTC, as 03:00; when the window has ended if empty."


class SourceOut(serializers.Serializer):
    id = serializers.UUIDField()
    path = serializers.CharField(help_text=PATH_HELP)
    predictions = serializers.CharField(allow_blank=True)
    labels = serializers.CharField(allow_blank=True)
    daily_at = serializers.CharField(allow_blank=True, help_text=DAILY_HELP)
    next_start = serializers.DateTimeField(help_text="The window that is profiled next.")
    next_at = serializers.DateTimeField()
    last_done_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True, help_text="Of the last window, if it had no profile.")
    last_error_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class Sources(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MONITOR_WRITE}

    class Input(serializers.Serializer):
        path = serializers.CharField(max_length=2_000, trim_whitespace=False, help_text=PATH_HELP)
        predictions = serializers.CharField(
            max_length=500, required=False, allow_blank=True, help_text="The column of predictions."
        )
        labels = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="Of labels.")
        daily_at = serializers.CharField(max_length=5, required=False, allow_blank=True, help_text=DAILY_HELP)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(SourceOut))
    def get(self, request: Request, uuid: UUID) -> Response:
        """With what became of the last window, and when the next one's turn is."""
        sources = selectors.list_sources(monitor=self.find_monitor(uuid))
        return Response(page(sources, request, column="id", render=source_out))

    @extend_schema(request=Input, responses={201: SourceOut})
    def post(self, request: Request, uuid: UUID) -> Response:
        """Have Parquet files profiled, window by window, from the one on that is running now."""
        data = parse(self.Input, request)
        source = services.create_source(monitor=self.find_monitor(uuid), actor=self.principal, **data)
        return Response(source_out(source), status=201)


class OneSource(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ, "DELETE": Permission.MONITOR_WRITE}

    @extend_schema(responses=SourceOut)
    def get(self, request: Request, uuid: UUID, source: UUID) -> Response:
        """Where it reads, and what came of reading."""
        return Response(source_out(selectors.get_source(monitor=self.find_monitor(uuid), uuid=source)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID, source: UUID) -> Response:
        """Its files are profiled no more. What came of them stays."""
        found = selectors.get_source(monitor=self.find_monitor(uuid), uuid=source)
        services.delete_source(source=found, actor=self.principal)
        return Response(status=204)


def source_out(source: Source) -> dict[str, Any]:
    return {
        "id": source.uuid,
        "path": source.path,
        "predictions": source.predictions,
        "labels": source.labels,
        "daily_at": source.daily_at,
        "next_start": source.next_start,
        "next_at": source.next_at,
        "last_done_at": source.last_done_at,
        "last_error": source.last_error,
        "last_error_at": source.last_error_at,
        "created_at": source.created_at,
        "created_by": source.created_by,
    }
