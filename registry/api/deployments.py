"""Deployments: what serving code says that it runs, now and at any moment."""

from collections.abc import Iterable
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from registry import selectors, services
from registry.api.base import ReasonField, RegistryView, VersionRefField
from registry.api.render import deployment_out
from registry.api.schemas import DeploymentOut
from registry.models import Deployment


class Deployments(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.DEPLOYMENT_REPORT}

    class Input(serializers.Serializer):
        model = serializers.CharField(max_length=250)
        version = VersionRefField()
        environment = serializers.CharField(max_length=64)
        target = serializers.CharField(max_length=250, help_text="What serves it, as cluster/namespace/service.")
        image_digest = serializers.CharField(max_length=100, required=False, allow_null=True)
        traffic_share = serializers.FloatField(min_value=0, max_value=1, required=False)
        observed_at = serializers.DateTimeField(required=False, allow_null=True)

    class Query(serializers.Serializer):
        model = serializers.CharField(max_length=250, required=False)
        environment = serializers.CharField(max_length=64, required=False)
        target = serializers.CharField(max_length=250, required=False)
        as_of = serializers.DateTimeField(required=False, help_text="Those that served at that moment.")
        live = serializers.BooleanField(required=False, allow_null=True, default=None)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(DeploymentOut))
    def get(self, request: Request) -> Response:
        """Newest report first."""
        query = parse_query(self.Query, request)
        deployments = selectors.list_deployments(project=self.project, **query)
        rows = page(deployments, request, column="id", newest_first=True, render=lambda row: {"row": row})
        found = [item["row"] for item in rows["items"]]
        return Response({**rows, "items": _rendered(found)})

    @extend_schema(request=Input, responses={201: DeploymentOut, 200: DeploymentOut})
    def post(self, request: Request) -> Response:
        """Say what a target serves. The same again is the same deployment: 200. One that is not what was promoted is
        recorded too, with `matches_slot` false.
        """
        data = parse(self.Input, request)
        deployment, is_new = services.report_deployment(
            version=self.find_version(data["model"], data["version"]),
            environment=self.find_environment(data["environment"]),
            target=data["target"],
            actor=self.principal,
            image_digest=data.get("image_digest") or "",
            traffic_share=data.get("traffic_share", 1.0),
            observed_at=data.get("observed_at"),
        )
        return Response(_rendered([deployment])[0], status=201 if is_new else 200)


class OneDeployment(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=DeploymentOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """What was reported to run there, from when to when."""
        return Response(_rendered([selectors.get_deployment(project=self.project, uuid=uuid)])[0])


class EndDeployment(RegistryView):
    permissions = {"POST": Permission.DEPLOYMENT_REPORT}

    class Input(serializers.Serializer):
        ended_at = serializers.DateTimeField(required=False, allow_null=True)
        reason = ReasonField()

    @extend_schema(request=Input, responses=DeploymentOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """It serves no more. Ending it twice changes nothing."""
        data = parse(self.Input, request)
        deployment = selectors.get_deployment(project=self.project, uuid=uuid)
        ended = services.end_deployment(deployment=deployment, actor=self.principal, **data)
        return Response(_rendered([ended])[0])


def _rendered(deployments: Iterable[Deployment]) -> list[dict[str, object]]:
    """With what is promoted beside each. Two queries for all."""
    deployments = list(deployments)
    holders = selectors.promoted_digests(deployments)
    return [deployment_out(deployment, holders) for deployment in deployments]
