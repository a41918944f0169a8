"""Policies: written in TOML, YAML or JSON, kept as canonical JSON under a hash."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from registry import selectors, services
from registry.api.base import REASON_LENGTH, RegistryView
from registry.api.parsers import POLICY_PARSERS
from registry.api.render import policy_out
from registry.api.schemas import PolicyDocumentIn, PolicyOut
from registry.errors import NameTaken
from registry.models import Policy


class Policies(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.POLICY_WRITE}

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=64)
        document = serializers.JSONField(help_text="The policy as a JSON object.")
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(PolicyOut))
    def get(self, request: Request) -> Response:
        """Policies of the project by name, each with the wording in force."""
        policies = selectors.list_policies(project=self.project)
        return Response(page(policies, request, column="name", render=_in_force))

    @extend_schema(request=Input, responses={201: PolicyOut})
    def post(self, request: Request) -> Response:
        """A new policy. `PUT /policies/{name}` takes TOML and YAML too, and rewords one."""
        data = parse(self.Input, request)
        if selectors.list_policies(project=self.project).filter(name=data["name"]).exists():
            raise NameTaken(f"There is a policy '{data['name']}' already.")
        revision, _ = services.put_policy(project=self.project, actor=self.principal, **data)
        return Response(policy_out(revision), status=201)


class OnePolicy(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "PUT": Permission.POLICY_WRITE}
    parser_classes = POLICY_PARSERS

    class PutQuery(serializers.Serializer):
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True, default="")

    @extend_schema(responses=PolicyOut)
    def get(self, request: Request, name: str) -> Response:
        """The wording in force."""
        return Response(_in_force(selectors.get_policy(project=self.project, name=name)))

    @extend_schema(
        parameters=[PutQuery],
        request={
            "application/json": PolicyDocumentIn,
            "application/toml": OpenApiTypes.STR,
            "application/yaml": OpenApiTypes.STR,
        },
        responses={200: PolicyOut, 201: PolicyOut},
    )
    def put(self, request: Request, name: str) -> Response:
        """The policy with this wording, as its next revision; 201 if there was none of that name. The body is the
        document itself. The wording in force, put again, changes nothing.
        """
        query = parse_query(self.PutQuery, request)
        existed = (
            selectors.list_policies(project=self.project).filter(name=name).exists() if name.isprintable() else False
        )
        revision, _ = services.put_policy(
            project=self.project, name=name, document=request.data, actor=self.principal, reason=query["reason"]
        )
        return Response(policy_out(revision), status=200 if existed else 201)


class PolicyRevisions(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(PolicyOut))
    def get(self, request: Request, name: str) -> Response:
        """Every wording, newest first."""
        revisions = selectors.list_revisions(selectors.get_policy(project=self.project, name=name))
        return Response(page(revisions.order_by("-id"), request, column="id", newest_first=True, render=policy_out))


def _in_force(policy: Policy) -> dict[str, object]:
    return policy_out(selectors.latest_revision(policy))
