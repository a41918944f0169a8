"""Alerts: what is wrong in production, and who looks after it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from monitoring import links, selectors, services
from monitoring.alarms import WORDS
from monitoring.api.monitor_render import brief_version
from monitoring.api.trigger_render import BriefVersionOut
from monitoring.models import Alert, Monitor, Window
from registry.api.base import REASON_LENGTH, ReasonField, RegistryView


class AlertWindowOut(serializers.Serializer):
    id = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class AlertOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Alert.Kind.values)
    state = serializers.ChoiceField(Alert.State.values)
    severity = serializers.ChoiceField(Monitor.Severity.values)
    title = serializers.CharField()
    message = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    version = BriefVersionOut()
    environment = serializers.CharField()
    monitor = serializers.UUIDField()
    owner = serializers.CharField(help_text="Who is asked about the monitor.")
    first_window = AlertWindowOut(allow_null=True)
    last_window = AlertWindowOut(allow_null=True)
    opened_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(allow_blank=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_blank=True, help_text="`worker` where it was over by itself.")
    reason = serializers.CharField(allow_blank=True, help_text="Of whoever acknowledged or closed it last.")
    url = serializers.CharField()


class Alerts(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        state = serializers.ChoiceField(["active", *Alert.State.values], required=False)
        kind = serializers.ChoiceField(Alert.Kind.values, required=False)
        severity = serializers.ChoiceField(Monitor.Severity.values, required=False)
        model = serializers.CharField(max_length=250, required=False)
        environment = serializers.CharField(max_length=64, required=False)
        monitor = serializers.UUIDField(required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(AlertOut))
    def get(self, request: Request) -> Response:
        """Newest first. `state=active` leaves out the closed ones."""
        alerts = selectors.list_alerts(project=self.project, **parse_query(self.Query, request))
        return Response(page(alerts, request, column="id", newest_first=True, render=alert_out))


class AlertView(RegistryView):
    def find_alert(self, uuid: UUID) -> Alert:
        return selectors.get_alert(project=self.project, uuid=uuid)


class OneAlert(AlertView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=AlertOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """The alert: what was found, since when, and who answered it."""
        return Response(alert_out(self.find_alert(uuid)))


class AcknowledgeAlert(AlertView):
    permissions = {"POST": Permission.ALERT_WRITE}

    class Input(serializers.Serializer):
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True, default="")

    @extend_schema(request=Input, responses=AlertOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Say that you look after it. Doing so twice changes nothing."""
        data = parse(self.Input, request)
        services.acknowledge_alert(alert=self.find_alert(uuid), actor=self.principal, **data)
        return Response(alert_out(self.find_alert(uuid)))


class CloseAlert(AlertView):
    permissions = {"POST": Permission.ALERT_WRITE}

    class Input(serializers.Serializer):
        reason = ReasonField()

    @extend_schema(request=Input, responses=AlertOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Say that it is over. The next window with the same trouble opens another. Doing so twice changes nothing."""
        data = parse(self.Input, request)
        services.close_alert(alert=self.find_alert(uuid), actor=self.principal, **data)
        return Response(alert_out(self.find_alert(uuid)))


def alert_out(alert: Alert) -> dict[str, Any]:
    monitor = alert.monitor
    return {
        "id": alert.uuid,
        "kind": alert.kind,
        "state": alert.state,
        "severity": alert.severity,
        "title": f"{WORDS[alert.kind]}, {monitor.label}",
        "message": alert.message,
        "columns": alert.columns,
        "version": brief_version(monitor.version),
        "environment": monitor.environment.name,
        "monitor": monitor.uuid,
        "owner": monitor.owner,
        "first_window": _window(alert.first_window),
        "last_window": _window(alert.last_window),
        "opened_at": alert.opened_at,
        "updated_at": alert.updated_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "closed_at": alert.closed_at,
        "closed_by": alert.closed_by,
        "reason": alert.reason,
        "url": links.alert_page(alert),
    }


def _window(window: Window | None) -> dict[str, Any] | None:
    return {"id": window.uuid, "start": window.start, "end": window.end} if window is not None else None
