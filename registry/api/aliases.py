"""Aliases of a model. Names of environments are among them, read-only."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.hot import HotView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse_data, parse_query
from registry import selectors, services
from registry.api.base import REASON_LENGTH, RegistryView, VersionRefField, short_page
from registry.api.render import alias_change_out, alias_out, alias_target_out, alias_view_out
from registry.api.schemas import AliasChangeOut, AliasOut, AliasTargetOut
from registry.names import check_alias


class Aliases(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(AliasOut))
    def get(self, request: Request, name: str) -> Response:
        """All names that point at a version now, by name."""
        views = selectors.list_aliases(model=self.find_model(name))
        return Response(short_page(views, request, key=lambda view: view.name, render=alias_view_out))


class OneAlias(RegistryView, HotView):
    """Reading it is hot: whatever serves a model asks which version that is, each time it starts or looks again."""

    hot = {"GET": "answer", "PUT": "point"}
    takes_json = frozenset({"PUT"})
    rate_limit = {}
    permissions = {"GET": Permission.PROJECT_READ, "PUT": Permission.MODEL_WRITE, "DELETE": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        version = VersionRefField()
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True)

    class DeleteQuery(serializers.Serializer):
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True, default="")

    @extend_schema(responses=AliasTargetOut)
    def get(self, request: Request, name: str, alias: str) -> Response:
        """The version that an alias or an environment of that name points at."""
        return Response(self.answer(request._request, name=name, alias=alias))  # noqa: SLF001 - its documented way down

    def answer(self, request: HttpRequest, **named: str) -> dict[str, Any]:
        target = selectors.get_alias_target(project=self.project, model=named["name"], name=named["alias"])
        return alias_target_out(target)

    @extend_schema(request=Input, responses=AliasOut)
    def put(self, request: Request, name: str, alias: str) -> Response:
        """Point it at a version. One named like an environment moves by promotion alone, and answers 409."""
        return Response(self.point(request._request, name=name, alias=alias))  # noqa: SLF001 - as above

    def point(self, _request: HttpRequest, **named: str) -> dict[str, Any]:
        data = parse_data(self.Input, self.data)
        ref, actor = data.pop("version"), self.principal
        found = services.set_alias_by_name(
            project=self.project, model=named["name"], name=named["alias"], ref=ref, actor=actor, **data
        )
        return alias_out(found)

    @extend_schema(parameters=[DeleteQuery], request=None, responses={204: None})
    def delete(self, request: Request, name: str, alias: str) -> Response:
        """Take it away; its history stays."""
        query = parse_query(self.DeleteQuery, request)
        model = self.find_model(name)
        services.delete_alias(model=model, name=check_alias(alias), actor=self.principal, reason=query["reason"])
        return Response(status=204)


class AliasHistory(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(AliasChangeOut))
    def get(self, request: Request, name: str, alias: str) -> Response:
        """Every move, newest first."""
        changes = selectors.alias_history(model=self.find_model(name), name=check_alias(alias))
        return Response(page(changes, request, column="id", newest_first=True, render=alias_change_out))
