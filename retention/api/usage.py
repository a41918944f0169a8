"""How much projects hold."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import get_project, list_projects
from core.access import Permission, require
from core.api import ApiView
from retention import bin as the_bin
from retention.api.schemas import UsageOut, usage_out
from retention.usage import usage_of

PROJECT = OpenApiParameter("project", str, description="Only this one; all that you may read where it is left out.")


class UsageView(ApiView):
    """Not of one project, so it asks for itself: of each project that it shows."""

    @extend_schema(parameters=[PROJECT], responses=UsageOut(many=True))
    def get(self, request: Request) -> Response:
        """What each project holds that the caller may read, by name. Numbers are at most a minute old."""
        name = request.query_params.get("project")
        if name:
            project = get_project(name=name, visible_to=self.principal)
            require(self.principal, Permission.PROJECT_READ, project)
            projects = [project]
        else:
            projects = list(list_projects(visible_to=self.principal))
        found = usage_of([project.pk for project in projects])
        return Response([usage_out(project, found[project.pk], the_bin.days()) for project in projects])
