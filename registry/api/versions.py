"""Versions of a model: registered from a run, read with their manifests, put away."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.hot import HotView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_data
from core.codec import json_answer
from core.ids import parse_run_id
from registry import selectors, services
from registry.api.base import DELETED, JsonObjectField, ReasonField, RegistryView, TagsField, wants_deleted
from registry.api.models import DESCRIPTION_LENGTH
from registry.api.render import version_out, version_summary_out
from registry.api.schemas import VersionOut, VersionSummaryOut
from tracking.api.content import BYTES, content_response
from tracking.artifacts.paths import parse_path
from tracking.models import Artifact

FILE_PATH = OpenApiParameter("path", str, required=True, description="The file's path in the manifest.")


class Versions(RegistryView, HotView):
    hot = {"POST": "register"}
    takes_json = frozenset({"POST"})
    rate_limit = {}
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        run = serializers.CharField(max_length=36, help_text="32 hex digits.")
        artifact = serializers.CharField(
            max_length=1_000, trim_whitespace=False, help_text="A file or folder among the run's artifacts."
        )
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
        tags = TagsField(required=False)
        card = JsonObjectField(required=False, allow_null=True)
        signature = JsonObjectField(required=False, allow_null=True)

    @extend_schema(parameters=[*PAGE_PARAMETERS, DELETED], responses=page_of(VersionSummaryOut))
    def get(self, request: Request, name: str) -> Response:
        """Newest first."""
        model = self.find_model(name)
        names = selectors.list_aliases(model=model)
        versions = selectors.list_versions(model=model, deleted=wants_deleted(request))
        rendered = page(
            versions.order_by("-id"),  # the order of numbers, which grow with ids
            request,
            column="id",
            newest_first=True,
            render=lambda version: version_summary_out(version, names),
        )
        return Response(rendered)

    @extend_schema(request=Input, responses={201: VersionOut, 200: VersionOut})
    def post(self, request: Request, name: str) -> HttpResponse:
        """The next version, of a file or folder that a run has. The model is made if it is missing. The same bytes of
        the same run are the same version: 200, and nothing is new.
        """
        return self.register(request._request, name=name)  # noqa: SLF001 - its documented way down

    def register(self, _request: HttpRequest, **named: str) -> HttpResponse:
        data = parse_data(self.Input, self.data)
        run_id = parse_run_id(data.pop("run"))
        version, files = services.register_version(
            project=self.project, model=named["name"], run_id=run_id, actor=self.principal, **data
        )
        if files is None:
            return json_answer(version_out(version))
        return json_answer(version_out(version, (), files), status=201)  # nothing points at what has just come to be


class OneVersion(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "PATCH": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
        tags = TagsField(required=False, help_text="Replaces all tags.")
        card = JsonObjectField(required=False, allow_null=True)

    @extend_schema(responses=VersionOut)
    def get(self, request: Request, name: str, ref: str) -> Response:
        """By number, or by digest: the newest usable one where several runs gave the same bytes."""
        return Response(version_out(self.find_version(name, ref)))

    @extend_schema(request=Input, responses=VersionOut)
    def patch(self, request: Request, name: str, ref: str) -> Response:
        """Change what is said of it. What is left out stays; the bytes never change."""
        changes: Mapping[str, Any] = parse(self.Input, request)
        version = services.update_version(version=self.find_version(name, ref), changes=changes, actor=self.principal)
        return Response(version_out(self.find_version(name, version.number)))


class Manifest(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request, name: str, ref: str) -> HttpResponse:
        """The text that the digest is of; `sha256sum -c` checks files against it."""
        version = self.find_version(name, ref)
        services.refuse_purged(version)
        text = selectors.manifest_text(version)
        return HttpResponse(text, content_type="text/plain; charset=utf-8")


class VersionFile(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=[FILE_PATH], responses=BYTES)
    def get(self, request: Request, name: str, ref: str) -> HttpResponseBase:
        """The bytes of one file of the manifest, whatever the run has at that path by now; `Range` is honoured."""
        path = parse_path(request.query_params.get("path", ""))
        version = self.find_version(name, ref)
        services.refuse_purged(version)
        file = selectors.get_manifest_file(version, path)
        return content_response(request, Artifact(run=version.run, path=file.path, blob=file.blob))


class Retire(RegistryView):
    permissions = {"POST": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        reason = ReasonField()

    @extend_schema(request=Input, responses=VersionOut)
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Put it away for good. One that holds an environment cannot be."""
        data = parse(self.Input, request)
        version = services.retire_version(version=self.find_version(name, ref), actor=self.principal, **data)
        return Response(version_out(self.find_version(name, version.number)))


class Quarantine(RegistryView):
    """Barring what others promoted is a decision about promotions, so it takes the right to decide on them."""

    permissions = {"POST": Permission.PROMOTION_APPROVE}

    class Input(serializers.Serializer):
        reason = ReasonField()

    @extend_schema(request=Input, responses=VersionOut)
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Bar it from promotion, because its bytes or its making are in doubt."""
        data = parse(self.Input, request)
        version = services.quarantine_version(version=self.find_version(name, ref), actor=self.principal, **data)
        return Response(version_out(self.find_version(name, version.number)))
