"""Artifacts: announced, sent, committed, listed and handed out."""

import re
from collections.abc import Iterator
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse, UnreadablePostError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FileUploadParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from core.errors import Invalid, Malformed, RangeNotSatisfiable
from core.storage import get_store
from tracking import selectors, services
from tracking.api.base import RunView
from tracking.api.render import artifact_out
from tracking.api.schemas import AnnouncedOut, ArtifactOut, OffsetOut
from tracking.artifacts.paths import parse_path, parse_prefix
from tracking.errors import ArtifactQuarantined
from tracking.figures import counted
from tracking.limits import UPLOAD_FILES
from tracking.models import Artifact, Upload
from tracking.services.artifacts import check_announced

READ_BYTES = 1 << 20  # of a request body at a time
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)  # more digits than any file has are no range
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
        ],
        responses=page_of(ArtifactOut),
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        run = self.get_run(id)
        prefix = parse_prefix(request.query_params.get("prefix", ""))
        if request.query_params.get("recursive", "true").lower() == "false":
            items = [artifact_out(found) for found in selectors.list_folder(run, prefix)]
            return Response({"items": items, "next_cursor": None})
        return Response(page(selectors.list_artifacts(run, prefix), request, column="path", render=artifact_out))

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
                        "upload": _ticket(each.upload, each.offset) if each.upload else None,
                    }
                    for each in wanted
                ]
            }
        )


def _ticket(upload: Upload, offset: int) -> dict[str, object]:
    return {"id": upload.uuid, "url": f"/api/v1/uploads/{upload.uuid}", "offset": offset}


class OneUpload(ProjectView):
    permissions = {"GET": Permission.RUN_WRITE, "PUT": Permission.RUN_WRITE}
    rate_limit = {"PUT": "ingest"}
    parser_classes = [FileUploadParser]  # never run: the body is read as it comes

    @extend_schema(responses=OffsetOut)
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """How many bytes have arrived."""
        upload = selectors.get_upload(project=self.project, id=id)
        return Response({"offset": _received(upload)})

    @extend_schema(
        parameters=[OpenApiParameter("offset", int, description="Where these bytes begin; 0 by default.")],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=OffsetOut,
    )
    def put(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """Send bytes from `offset` on. What arrives before a broken connection is kept."""
        upload = selectors.get_upload(project=self.project, id=id)
        offset = _offset(request.query_params.get("offset", "0"))
        if upload.committed_at is not None:
            return Response({"offset": upload.size})
        body = counted(_body(request._request), "in")  # noqa: SLF001 - streamed past the framework's parsers
        return Response({"offset": services.receive_part(upload=upload, offset=offset, chunks=body)})


class CommitUpload(ProjectView):
    permissions = {"POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}

    @extend_schema(request=None, responses=ArtifactOut)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """Check the bytes against what was announced, and record the file."""
        upload = selectors.get_upload(project=self.project, id=id)
        return Response(artifact_out(services.commit_upload(upload=upload)))


class ArtifactContent(RunView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=[PATH], responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002 - the path names it so
        """The bytes; `Range` is honoured."""
        path = parse_path(request.query_params.get("path", ""))
        return content_response(request, selectors.get_artifact(self.get_run(id), path))


def content_response(request: Request, artifact: Artifact) -> HttpResponseBase:
    """The artifact's bytes as an attachment that no browser will interpret. Raises ArtifactQuarantined, ObjectMissing."""
    blob = artifact.blob
    if not blob.is_usable:
        raise ArtifactQuarantined(artifact.path, state=blob.state)
    etag = f'"{blob.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(artifact.path.rpartition('/')[2], safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
    }
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    start, end = _range(request.headers.get("Range", ""), blob.size)
    whole = (start, end) == (0, blob.size)
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
    headers["Content-Length"] = str(end - start)
    chunks = counted(get_store().open(artifact.run.project.uuid, blob.sha256, start, end), "out")
    return StreamingHttpResponse(
        chunks, status=200 if whole else 206, headers=headers, content_type="application/octet-stream"
    )


def _range(header: str, size: int) -> tuple[int, int]:
    """[start, end) of a single byte range (RFC 9110, 14.1.2); all of it for other headers, which may be ignored.

    Raises:
        RangeNotSatisfiable: the range lies beyond the file.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or start >= end:
        raise RangeNotSatisfiable(f"The file has {size} bytes.", size=size)
    return start, end


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Invalid("offset has to be a whole number of bytes.", field="offset")
    return int(text)


def _received(upload: Upload) -> int:
    return upload.size if upload.committed_at else get_store().staged_size(upload.staging_key)


def _body(request: HttpRequest) -> Iterator[bytes]:
    try:
        while chunk := request.read(READ_BYTES):
            yield chunk
    except UnreadablePostError as exc:
        raise Malformed("The connection broke off; ask how far it came, and go on from there.") from exc
