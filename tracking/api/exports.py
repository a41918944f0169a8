"""Runs as a file."""

from typing import get_args

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.base import ProjectView
from core import clock, replica
from core.access import Permission
from core.api import parse_query
from tracking import exports
from tracking.limits import COLUMNS_LENGTH, NAME_LENGTH, ORDER_LENGTH, SEARCH_LENGTH
from tracking.search.columns import parse_columns
from tracking.search.selection import LIFECYCLES

FORMATS = get_args(exports.Format)
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet"}


class ExportRuns(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        format = serializers.ChoiceField(FORMATS, default="csv")
        filter = serializers.CharField(max_length=SEARCH_LENGTH, allow_blank=True, default="")
        experiment = serializers.CharField(
            max_length=NAME_LENGTH, allow_blank=True, default="", help_text="One of them; all without it."
        )
        lifecycle = serializers.ChoiceField(LIFECYCLES, default="active")
        order_by = serializers.CharField(
            max_length=ORDER_LENGTH, allow_blank=True, default="", help_text="metrics.auc DESC"
        )
        columns = serializers.CharField(
            max_length=COLUMNS_LENGTH,
            allow_blank=True,
            default="",
            help_text="metrics.auc,min(metrics.loss),params.lr,status; all that was logged without it.",
        )

    @extend_schema(
        parameters=[Query],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.ANY,
            (200, TYPES["parquet"]): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """All runs that match, in order, as one file; a column is named as the search language names it."""
        data = parse_query(self.Query, request)
        query = exports.Query(
            filter=data["filter"],
            experiments=[data["experiment"]] if data["experiment"] else None,
            lifecycle=data["lifecycle"],
            order_by=[data["order_by"]] if data["order_by"].strip() else [],
        )
        pieces = exports.export(
            project=self.project,
            query=query,
            columns=parse_columns(data["columns"]),
            form=data["format"],
            read=lambda ask: replica.read(request, ask),
        )
        name = f"runs-{self.project.name}-{clock.now():%Y-%m-%d}.{data['format']}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(pieces, content_type=TYPES[data["format"]], headers=headers)
