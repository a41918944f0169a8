"""Saved views of runs."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from retention import kinds
from tracking import selectors, services
from tracking.api.render import view_out
from tracking.api.schemas import ViewOut
from tracking.limits import COLUMNS_LENGTH, DESCRIPTION_LENGTH, NAME_LENGTH, ORDER_LENGTH, SEARCH_LENGTH
from tracking.models import SavedView
from tracking.search.selection import LIFECYCLES
from tracking.services.views import ViewWish


class _Rule(serializers.Serializer):
    experiment = serializers.CharField(
        max_length=NAME_LENGTH, required=False, allow_blank=True, allow_null=True, help_text="Empty: the whole project."
    )
    filter = serializers.CharField(max_length=SEARCH_LENGTH, required=False, allow_blank=True)
    lifecycle = serializers.ChoiceField(LIFECYCLES, required=False)
    order_by = serializers.CharField(
        max_length=ORDER_LENGTH, required=False, allow_blank=True, help_text="metrics.auc DESC"
    )
    columns = serializers.CharField(
        max_length=COLUMNS_LENGTH, required=False, allow_blank=True, help_text="metrics.auc,min(metrics.loss),params.lr"
    )
    differing = serializers.BooleanField(required=False)
    description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)


class Views(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}

    class Input(_Rule):
        name = serializers.CharField(max_length=NAME_LENGTH)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(ViewOut))
    def get(self, request: Request) -> Response:
        """By name."""
        rows = selectors.list_views(project=self.project)
        return Response(page(rows, request, column="name", render=self.rendered))

    @extend_schema(request=Input, responses={201: ViewOut})
    def post(self, request: Request) -> Response:
        """Save a search under a name, for all who read the project."""
        wish = ViewWish(**_given(parse(self.Input, request)))
        view = services.create_view(project=self.project, wish=wish, actor=self.principal)
        return Response(self.rendered(view), status=201)

    def rendered(self, view: SavedView) -> dict[str, Any]:
        return view_out(view, project=self.project.name)


class OneView(ProjectView):
    """Its author may change and delete it; others, who may delete runs."""

    permissions = {"GET": Permission.PROJECT_READ, "PATCH": Permission.RUN_WRITE, "DELETE": Permission.RUN_WRITE}

    class Input(_Rule):
        name = serializers.CharField(max_length=NAME_LENGTH, required=False)

    @extend_schema(responses=ViewOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """The rule. What it finds is a search for it."""
        return Response(self._rendered(selectors.get_view(project=self.project, uuid=uuid)))

    @extend_schema(request=Input, responses=ViewOut)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change it for everybody. What is left out stays."""
        given = _given(parse(self.Input, request))
        view = self._own(uuid)
        changed = services.update_view(view=view, changes=given, actor=self.principal)
        return Response(self._rendered(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> Response:
        """Gone; the runs stay."""
        services.delete_view(view=self._own(uuid), actor=self.principal)
        return Response(status=204)

    def _own(self, uuid: UUID) -> SavedView:
        view = selectors.get_view(project=self.project, uuid=uuid)
        self.check_project(kinds.get_kind("run").to_change(creator=view.created_by_id, by=self.principal))
        return view

    def _rendered(self, view: SavedView) -> dict[str, Any]:
        return view_out(view, project=self.project.name)


def _given(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "experiment": data["experiment"] or ""} if "experiment" in data else data
