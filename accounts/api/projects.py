"""Projects, and who has which role in them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.render import member_out, project_out
from accounts.api.schemas import ROLES, MemberOut, ProjectOut, page_of
from core.access import Permission, Role, require_server_admin
from core.api import ApiView, parse


class Projects(ApiView):
    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=64)
        description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(ProjectOut))
    def get(self, request: Request) -> Response:
        """Projects that the caller may read."""
        projects = selectors.list_projects(visible_to=self.principal)
        return Response(page(projects, request, column="name", render=self._render))

    @extend_schema(request=Input, responses={201: ProjectOut})
    def post(self, request: Request) -> Response:
        """A new project, administered by its creator. Administrators of the server alone may: a name that is taken
        would tell anybody else of a project that is none of theirs.
        """
        require_server_admin(self.principal)
        data = parse(self.Input, request)
        project = services.create_project(actor=self.principal, **data)
        return Response(self._render(project), status=201)

    def _render(self, project: Any) -> dict[str, Any]:
        return project_out(project, viewer=self.principal)


class OfNamedProject(ProjectView):
    """A route below `/projects/{name}`: the project is in the path."""

    project_in_query = False

    def project_name(self, request: Request) -> str:
        return str(self.kwargs["name"])


class OneProject(OfNamedProject):
    permissions = {"GET": Permission.PROJECT_READ, "PATCH": Permission.MEMBER_WRITE}

    class Input(serializers.Serializer):
        description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
        archived = serializers.BooleanField(
            required=False, help_text="An archived project can be read, not written to."
        )
        reason = serializers.CharField(max_length=500, required=False, allow_blank=True)

    @extend_schema(responses=ProjectOut)
    def get(self, request: Request, name: str) -> Response:
        """The project, with the caller's own role in it."""
        return Response(project_out(self.project, viewer=self.principal))

    @extend_schema(request=Input, responses=ProjectOut)
    def patch(self, request: Request, name: str) -> Response:
        """Describe it anew, archive it or restore it. What is left out stays."""
        data = parse(self.Input, request)
        project = services.update_project(project=self.project, actor=self.principal, **data)
        return Response(project_out(project, viewer=self.principal))


class Members(OfNamedProject):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(MemberOut))
    def get(self, request: Request, name: str) -> Response:
        """Members of the project, with their roles."""
        members = selectors.list_members(project=self.project)
        return Response(page(members, request, column="account__name", render=member_out))


class OneMember(OfNamedProject):
    permissions = {"PUT": Permission.MEMBER_WRITE, "DELETE": Permission.MEMBER_WRITE}

    class Input(serializers.Serializer):
        role = serializers.ChoiceField(ROLES)

    @extend_schema(request=Input, responses=MemberOut)
    def put(self, request: Request, name: str, account: str) -> Response:
        """Give the account this role, whatever it was before."""
        data = parse(self.Input, request)
        membership = services.set_role(
            account=selectors.get_account(name=account, visible_to=self.principal),
            project=self.project,
            role=Role[data["role"].upper()],
            actor=self.principal,
        )
        return Response(member_out(membership))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str, account: str) -> Response:
        """Take the account's role away."""
        services.remove_member(
            account=selectors.get_account(name=account, visible_to=self.principal),
            project=self.project,
            actor=self.principal,
        )
        return Response(status=204)
