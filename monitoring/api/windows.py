"""Windows of a monitor, the profiles that come for them, and the histories of columns."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from core.errors import Invalid
from monitoring import selectors, services
from monitoring.api.monitor_render import (
    ColumnResultOut,
    OneWindowOut,
    PartOut,
    WindowOut,
    column_result_out,
    evaluation_out,
    window_out,
)
from monitoring.api.monitors import MonitorView
from monitoring.models import ProfilePart, Window
from monitoring.services.baselines import MOST_BYTES
from registry.api.base import ReasonField, latest_page

PARTS_SHOWN = 100


MOST_JSON_BYTES = MOST_BYTES // 3 * 4 + 64 * 1024  # of a request that brings a profile, which is base64 there


class Base64Field(serializers.CharField):
    """Bytes, as base64. Raises Invalid rather than showing what was sent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def run_validation(self, data: Any = empty) -> Any:
        """No bytes at all are bytes, too: what they are for says whether they are enough."""
        return b"" if data == "" else super().run_validation(data)

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]  # bytes are what it is for
        try:
            return b64decode(str(super().to_internal_value(data)), validate=True)
        except (NotBase64, ValueError) as exc:
            raise serializers.ValidationError(f"Expected base64: {exc}.") from exc


class Profiles(MonitorView):
    max_json_bytes = MOST_JSON_BYTES
    permissions = {"POST": Permission.PROFILE_REPORT}
    rate_limit = {"POST": "ingest"}

    class Input(serializers.Serializer):
        part = serializers.UUIDField(help_text="The sender's id for this profile, the same on every attempt.")
        start = serializers.DateTimeField(help_text="Of its rows; the window that this falls into gets them.")
        end = serializers.DateTimeField()
        profile = Base64Field(help_text="Base64 of the profile's bytes.")

    @extend_schema(request=Input, responses={201: PartOut, 200: PartOut})
    def post(self, request: Request, uuid: UUID) -> Response:
        """Bring a profile. The same again under the same id is the same part: 200, and nothing is new. What comes after its
        window was judged has it judged again.
        """
        data = parse(self.Input, request)
        part, is_new = services.receive_part(
            monitor=self.find_monitor(uuid),
            uuid=data["part"],
            start=data["start"],
            end=data["end"],
            document=data["profile"],
            sender=self.principal.name,
        )
        return Response(part_out(part), status=201 if is_new else 200)


class Windows(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        state = serializers.ChoiceField(Window.State.values, required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(WindowOut))
    def get(self, request: Request, uuid: UUID) -> Response:
        """Latest first, each with the judgement that stands."""
        query = parse_query(self.Query, request)
        windows = selectors.list_windows(monitor=self.find_monitor(uuid), **query)
        return Response(latest_page(windows, request, column="start", render=window_out))


class OneWindow(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=OneWindowOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """With all that was found, every judgement of it, and the parts that it is made of."""
        window = selectors.get_window(project=self.project, uuid=uuid)
        parts = ProfilePart.objects.select_related("window").defer("document", "window__document").filter(window=window)
        return Response(
            {
                **window_out(window),
                "monitor": window.monitor.uuid,
                "result": window.evaluation.result if window.evaluation is not None else None,
                "evaluations": [evaluation_out(each) for each in selectors.list_evaluations(window=window)],
                "parts": [part_out(part) for part in parts.order_by("-id")[:PARTS_SHOWN]],
                "part_count": parts.count(),
            }
        )


class AcceptWindow(MonitorView):
    permissions = {"PUT": Permission.MONITOR_WRITE, "DELETE": Permission.MONITOR_WRITE}

    class Input(serializers.Serializer):
        reason = ReasonField()

    @extend_schema(request=Input, responses=WindowOut)
    def put(self, request: Request, uuid: UUID) -> Response:
        """Take it as normal: with fourteen such windows, columns are judged by how these vary among each other."""
        data = parse(self.Input, request)
        window = selectors.get_window(project=self.project, uuid=uuid)
        services.accept_window(window=window, actor=self.principal, **data)
        return Response(window_out(selectors.get_window(project=self.project, uuid=uuid)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> Response:
        """Do not take it as normal any more."""
        services.reject_window(window=selectors.get_window(project=self.project, uuid=uuid), actor=self.principal)
        return Response(status=204)


class ColumnHistory(MonitorView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        kind = serializers.CharField(max_length=15, required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(ColumnResultOut))
    def get(self, request: Request, uuid: UUID, name: str) -> Response:
        """What each window's standing judgement says of one column, latest first."""
        if len(name) > 500:
            raise Invalid("No column has a name of more than 500 characters.")
        query = parse_query(self.Query, request)
        results = selectors.column_history(monitor=self.find_monitor(uuid), column=name, **query)
        return Response(latest_page(results, request, column="start", render=column_result_out))


def part_out(part: ProfilePart) -> dict[str, Any]:
    return {
        "part": part.uuid,
        "window": part.window.uuid,
        "start": part.start,
        "end": part.end,
        "rows": part.rows,
        "sha256": part.sha256,
        "refused": part.refused,
        "received_at": part.received_at,
        "received_from": part.received_from,
    }
