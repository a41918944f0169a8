"""Holds: put, lifted, listed, and asked about."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from retention import kinds, selectors, services
from retention.api.schemas import HeldOut, HoldOut, hold_out
from retention.holds import Holds as HoldsNow
from retention.kinds import Act

LIFTED = OpenApiParameter("lifted", bool, description="true: those that were lifted instead.")
REASON_LENGTH = 2_000  # characters


class _Named(serializers.Serializer):
    kind = serializers.CharField(max_length=32, help_text="run, experiment, model_version or model.")
    id = serializers.CharField(
        max_length=600, trim_whitespace=False, help_text="A run's id, an experiment's or model's name, model/number."
    )


class Holds(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.HOLD_WRITE}

    class Input(_Named):
        reason = serializers.CharField(max_length=REASON_LENGTH)

    @extend_schema(parameters=[*PAGE_PARAMETERS, LIFTED], responses=page_of(HoldOut))
    def get(self, request: Request) -> Response:
        """Holds that people put, newest first. What living versions hold is not listed; `held` tells of one thing."""
        lifted = request.query_params.get("lifted", "").lower() == "true"
        rows = selectors.list_holds(project=self.project, lifted=lifted)
        return Response(page(rows, request, column="id", render=hold_out, newest_first=True))

    @extend_schema(request=Input, responses={201: HoldOut})
    def post(self, request: Request) -> Response:
        """Keep a run, experiment, version or model, and all that it came from, from being deleted or purged."""
        data = parse(self.Input, request)
        hold = services.add_hold(
            project=self.project, kind=data["kind"], name=data["id"], reason=data["reason"], actor=self.principal
        )
        return Response(hold_out(hold), status=201)


class OneHold(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=HoldOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """The hold: what it keeps, who placed it and why, and whether it was lifted."""
        return Response(hold_out(selectors.get_hold(project=self.project, uuid=uuid)))


class LiftHold(ProjectView):
    permissions = {"POST": Permission.HOLD_WRITE}

    class Input(serializers.Serializer):
        reason = serializers.CharField(max_length=REASON_LENGTH)

    @extend_schema(request=Input, responses=HoldOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Lift it, with a reason. It stays on the list of lifted ones."""
        hold = selectors.get_hold(project=self.project, uuid=uuid)
        data = parse(self.Input, request)
        return Response(hold_out(services.remove_hold(hold=hold, reason=data["reason"], actor=self.principal)))


class Held(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(
        parameters=[OpenApiParameter("kind", str, required=True), OpenApiParameter("id", str, required=True)],
        responses=HeldOut,
    )
    def get(self, request: Request) -> Response:
        """What keeps one thing from being deleted now: living versions that came of it, its own versions, people's holds."""
        named = parse_query(_Named, request)
        kind = kinds.get_kind(named["kind"])
        (key,) = kind.resolve(self.project, [named["id"]])
        whys = HoldsNow(self.project).on(kind.name, [key], Act.DELETE).get(key, [])
        return Response({**named, "held": bool(whys), "by": list(whys)})
