"""Uploads under way: bytes sent here, links to send them past here, small files in packs, and the commit."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

import msgspec
from django.http import HttpRequest, UnreadablePostError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FileUploadParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from core.access import Permission
from core.api import parse
from core.errors import Invalid, Malformed
from core.storage import Link, get_direct_store, get_store
from tracking import selectors, services
from tracking.api.base import RunView
from tracking.api.render import artifact_out
from tracking.api.schemas import ArtifactOut, LinksOut, OffsetOut, PackOut, UploadOut
from tracking.figures import artifact_bytes, counted
from tracking.limits import PACK_FILE_BYTES, UPLOAD_FILES, UPLOAD_LINKS
from tracking.models import Upload

READ_BYTES = 1 << 20  # of a request body at a time


def ticket(upload: Upload, offset: int) -> dict[str, object]:
    return {
        "id": upload.uuid,
        "url": f"/api/v1/uploads/{upload.uuid}",
        "offset": offset,
        "direct": _direct_out(upload),
    }


def _direct_out(upload: Upload) -> dict[str, object] | None:
    if get_direct_store() is None:
        return None
    sizes = services.sizes_of(upload)
    linked = sizes.count == 1 and upload.size > PACK_FILE_BYTES
    return {
        "part_size": sizes.part,
        "parts": sizes.count,
        "began": bool(upload.multipart_id),
        "link": _link_out(1, services.whole_link(upload)) if linked else None,
    }


def _link_out(number: int, link: Link) -> dict[str, object]:
    return {"part": number, "url": link.url, "headers": dict(link.headers)}


class OneUpload(ProjectView):
    permissions = {"GET": Permission.RUN_WRITE, "PUT": Permission.RUN_WRITE}
    rate_limit = {"PUT": "ingest"}
    parser_classes = [FileUploadParser]  # never run: the body is read as it comes

    @extend_schema(responses=UploadOut)
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """How many bytes have arrived, and which parts, where they are sent past this server."""
        upload = selectors.get_upload(project=self.project, id=id)
        return Response({"offset": _received(upload)} if get_direct_store() is None else _arrived_out(upload))

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


class UploadLinks(ProjectView):
    permissions = {"POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}

    class Input(serializers.Serializer):
        parts = serializers.ListField(
            child=serializers.IntegerField(min_value=1), allow_empty=False, max_length=UPLOAD_LINKS
        )

    @extend_schema(request=Input, responses=LinksOut)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """Links to send parts to the store by. Each is good for one part of this size, for a while, and may be asked for again."""
        numbers = parse(self.Input, request)["parts"]
        upload = selectors.get_upload(project=self.project, id=id)
        links = services.make_links(upload=upload, numbers=numbers)
        direct = get_direct_store()
        life_s = direct.link_life_s if direct else 0
        return Response({"links": [_link_out(number, link) for number, link in links], "expires_in_s": life_s})


class PackedFile(msgspec.Struct, forbid_unknown_fields=True):
    upload: UUID
    data: bytes


class Pack(msgspec.Struct, forbid_unknown_fields=True):
    files: Annotated[list[PackedFile], msgspec.Meta(min_length=1, max_length=UPLOAD_FILES)]


_pack = msgspec.msgpack.Decoder(Pack)


class UploadPack(RunView):
    permissions = {"POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}
    parser_classes = [FileUploadParser]  # never run: decoded here, once, typed

    @extend_schema(request={"application/x-msgpack": OpenApiTypes.BINARY}, responses=PackOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Send the whole bytes of small announced files and record them, in MessagePack: `{"files": [{"upload": id, "data": bytes}]}`."""
        run = self.get_run(id)
        try:
            files = _pack.decode(request._request.body).files  # noqa: SLF001 - past the framework's parsers
        except msgspec.ValidationError as exc:
            raise Invalid(f"This is no pack: {exc}.") from exc
        except msgspec.DecodeError as exc:
            raise Malformed(f"The body is not MessagePack: {exc}.") from exc
        reasons = services.receive_pack(run=run, contents={file.upload: file.data for file in files})
        artifact_bytes.labels("in").inc(sum(len(file.data) for file in files))
        return Response(
            {
                "files": [
                    {"upload": upload, "state": "refused" if reason else "stored", "detail": reason or None}
                    for upload, reason in reasons.items()
                ]
            }
        )


class CommitUpload(ProjectView):
    permissions = {"POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}

    @extend_schema(request=None, responses=ArtifactOut)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """Check the bytes against what was announced, and record the file."""
        upload = selectors.get_upload(project=self.project, id=id)
        return Response(artifact_out(services.commit_upload(upload=upload)))


def _arrived_out(upload: Upload) -> dict[str, object]:
    sizes, arrived = services.sizes_of(upload), services.arrived_numbers(upload)
    here = set(arrived)
    unbroken = next((number for number in range(1, sizes.count + 1) if number not in here), None)
    offset = upload.size if unbroken is None else (unbroken - 1) * sizes.part
    return {"offset": offset, "part_size": sizes.part, "parts": sizes.count, "arrived": arrived}


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
