"""The bytes of a file as an answer: streamed, or a redirect to where they are."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from accounts.api.schemas import ProblemOut
from core.errors import Invalid, RangeNotSatisfiable
from core.storage import get_direct_store, get_store
from core.storage.parts import part_sizes_of
from tracking.errors import ArtifactQuarantined
from tracking.figures import artifact_bytes, counted
from tracking.limits import PACK_BYTES, PACK_FILE_BYTES
from tracking.models import Artifact, Blob

THROUGH = "Lineal-Bytes"  # `Lineal-Bytes: server` asks for the bytes themselves
BYTES = {
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    (206, "application/octet-stream"): OpenApiTypes.BINARY,
    416: ProblemOut,
}
"""What `content_response` answers, for the document."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)  # more digits than any file has are no range


def content_response(request: Request, artifact: Artifact) -> HttpResponseBase:
    """The artifact's bytes as an attachment that no browser will interpret; where clients reach the store, a redirect to them, but for
    one who found that it does not.

    Raises ArtifactQuarantined, ObjectMissing, StoreAway.
    """
    blob = artifact.blob
    if not blob.is_usable:
        raise ArtifactQuarantined(artifact.path, state=blob.state)
    etag = f'"{blob.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": _disposition(artifact),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
    }
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=headers)
    if request.headers.get(THROUGH) != "server" and (link := find_link(artifact)):
        return _redirect(link, headers)
    start, end = _range(request.headers.get("Range", ""), blob.size)
    whole = (start, end) == (0, blob.size)
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{blob.size}"
    headers["Content-Length"] = str(end - start)
    chunks = counted(get_store().open(artifact.run.project.uuid, blob.sha256, start, end), "out")
    return StreamingHttpResponse(
        chunks, status=200 if whole else 206, headers=headers, content_type="application/octet-stream"
    )


def contents_response(artifacts: Sequence[Artifact]) -> HttpResponse:
    """The bytes of small files in one answer, in the order given.

    Raises Invalid for more or larger files than travel together; ArtifactQuarantined, ObjectMissing, StoreAway.
    """
    large = next((each.path for each in artifacts if each.blob.size > PACK_FILE_BYTES), None)
    if large is not None:
        raise Invalid(f"'{large}' has more than {PACK_FILE_BYTES} bytes: ask for it by itself.", field="paths")
    if sum(each.blob.size for each in artifacts) > PACK_BYTES:
        raise Invalid(f"These files have more than {PACK_BYTES} bytes together: ask for fewer at once.", field="paths")
    unusable = next((each for each in artifacts if not each.blob.is_usable), None)
    if unusable is not None:
        raise ArtifactQuarantined(unusable.path, state=unusable.blob.state)
    data = get_store().read_all(artifacts[0].run.project.uuid, {each.blob.sha256 for each in artifacts})
    artifact_bytes.labels("out").inc(sum(each.blob.size for each in artifacts))
    files = [{"path": each.path, "data": data[each.blob.sha256]} for each in artifacts]
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
    return HttpResponse(msgspec.msgpack.encode({"files": files}), headers=headers, content_type="application/x-msgpack")


def find_link(artifact: Artifact) -> str | None:
    """Where its bytes are read past this server, for as long as links live; None where clients do not reach the store, or the bytes
    are not handed out, or not at their place yet. Whoever gets it has to be allowed to read the artifact.
    """
    direct = get_direct_store()
    blob, project = artifact.blob, artifact.run.project.uuid
    if direct is None or not blob.is_usable:
        return None
    if is_fresh(blob) and direct.is_promised(project, blob.sha256):
        return None  # a worker is about to move it, which would break a download
    return direct.get_link(project, blob.sha256, _disposition(artifact))


def is_fresh(blob: Blob) -> bool:
    """Whether a worker may not have moved it to its place yet: of a file of many parts, nobody has read what is there."""
    return blob.state == Blob.State.UNVERIFIED and part_sizes_of(blob.size).count > 1


def _redirect(link: str, headers: Mapping[str, str]) -> HttpResponse:
    """Without the headers that describe the body: there is none."""
    kept = {name: headers[name] for name in ("ETag", "Cache-Control", "X-Content-Type-Options")}
    return HttpResponse(status=302, headers={**kept, "Location": link, "Referrer-Policy": "no-referrer"})


def _disposition(artifact: Artifact) -> str:
    return f"attachment; filename*=UTF-8''{quote(artifact.path.rpartition('/')[2], safe='')}"


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
