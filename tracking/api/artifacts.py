"""Artifacts of a run: listed, announced and handed out."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from core.storage import get_direct_store
from tracking import selectors, services
from tracking.api.base import RunView
from tracking.api.content import BYTES, content_response, contents_response, find_link, is_fresh
from tracking.api.render import artifact_out
from tracking.api.schemas import AnnouncedOut, ArtifactOut
from tracking.api.uploads import ticket
from tracking.artifacts.paths import parse_path, parse_prefix
from tracking.limits import PACK_BYTES, PACK_FILE_BYTES, UPLOAD_FILES
from tracking.models import Artifact
from tracking.services.artifacts import check_announced

PATH = OpenApiParameter("path", str, required=True, description="The file's path within the run.")


class FileIn(serializers.Serializer):
    path = serializers.CharField(trim_whitespace=False)
    size = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
    sha256 = serializers.CharField()


class Artifacts(RunView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}

    class Input(serializers.Serializer):
        files = serializers.ListField(child=FileIn(), allow_empty=False, max_length=UPLOAD_FILES)

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("prefix", str, description="A folder; all files below it."),
            OpenApiParameter("recursive", bool, description="false: only what lies directly in the folder."),
            OpenApiParameter(
                "links",
                bool,
                description="true: with a link to the bytes of files that no pack takes, where the store is reached past this server.",
            ),
        ],
        responses=page_of(ArtifactOut),
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Files of the run, by path."""
        run = self.get_run(id)
        prefix = parse_prefix(request.query_params.get("prefix", ""))
        if request.query_params.get("recursive", "true").lower() == "false":
            items = [artifact_out(found) for found in selectors.list_folder(run, prefix)]
            return Response({"items": items, "next_cursor": None})
        links = request.query_params.get("links", "").lower() == "true" and get_direct_store() is not None
        render = _linked_out if links else artifact_out
        return Response(page(selectors.list_artifacts(run, prefix), request, column="path", render=render))

    @extend_schema(request=Input, responses=AnnouncedOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Say which files are coming. Bytes that this project holds already are recorded at once; the rest has an upload."""
        data = parse(self.Input, request)
        files = [check_announced(**file, field=f"files.{at}") for at, file in enumerate(data["files"])]
        wanted = services.announce_files(run=self.get_run(id), files=files)
        return Response(
            {
                "files": [
                    {
                        "path": each.path,
                        "state": "upload" if each.upload else "have",
                        "upload": ticket(each.upload, each.offset) if each.upload else None,
                    }
                    for each in wanted
                ],
                "pack": {
                    "url": f"/api/v1/runs/{id}/artifacts/pack",
                    "file_bytes": PACK_FILE_BYTES,
                    "bytes": PACK_BYTES,
                },
            }
        )


def _linked_out(artifact: Artifact) -> dict[str, Any]:
    """Small files get no link: they come together, in packs, and a thousand links cost more than their bytes. Of a fresh one
    the store would have to be asked: who wants it asks for it.
    """
    blob = artifact.blob
    linked = blob.size > PACK_FILE_BYTES and not is_fresh(blob)
    return artifact_out(artifact) | {"link": find_link(artifact) if linked else None}


class ArtifactContent(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=[PATH], responses=BYTES)
    def get(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002 - the path names it so
        """The bytes; `Range` is honoured."""
        path = parse_path(request.query_params.get("path", ""))
        return content_response(request, selectors.get_artifact(self.get_run(id), path))


class ArtifactContents(RunView):
    permissions = {"POST": Permission.PROJECT_READ}

    class Input(serializers.Serializer):
        paths = serializers.ListField(
            child=serializers.CharField(trim_whitespace=False), allow_empty=False, max_length=UPLOAD_FILES
        )

    @extend_schema(request=Input, responses={(200, "application/x-msgpack"): OpenApiTypes.BINARY})
    def post(self, request: Request, id: str) -> HttpResponse:  # noqa: A002 - the path names it so
        """The whole bytes of small files, in MessagePack: `{"files": [{"path", "data"}]}`. What one pack may hold, one answer may."""
        paths = list(dict.fromkeys(parse_path(path) for path in parse(self.Input, request)["paths"]))
        return contents_response(selectors.get_artifacts(self.get_run(id), paths))
