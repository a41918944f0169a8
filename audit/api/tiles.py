"""The log as static files would have it (C2SP tlog-tiles), so that witnesses and monitors made for such logs can follow ours."""

import re

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from audit import tiles
from audit.errors import TileNotFound
from audit.models import AuditLeaf
from core.access import require_server_admin
from core.api import ApiView

LEVELS = 6  # 256**6 entries are more than any log here will have
FOREVER = "private, max-age=31536000, immutable"
_INDEX = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class HashTile(ApiView):
    """Hashes say nothing of what they are of, so everyone with an account may keep them."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, level: int, index: str) -> HttpResponse:
        """Up to 256 hashes of 32 bytes. `index` is spelled `x001/x234/067`; with `.p/<width>` the tile's first hashes,
        as of a tree in which it was not full yet.
        """
        number, width = _place(index)
        if level > LEVELS:
            raise TileNotFound(f"This log has no tiles of level {level}.")
        hashes = tiles.hashes_of(level, number)
        return _answer(b"".join(hashes[:width]), have=len(hashes), width=width)


class EntryBundle(ApiView):
    """Entries are of every project, so they are for administrators of the server."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, index: str) -> HttpResponse:
        """Up to 256 events: for each, the length of its body in two bytes, the greater first, and the body itself."""
        require_server_admin(self.principal)
        number, width = _place(index)
        first = number * tiles.WIDTH
        leaves = AuditLeaf.objects.filter(seq__gte=first, seq__lt=first + tiles.WIDTH).order_by("seq")
        bodies = [body.encode() for body in leaves.values_list("event__body", flat=True)]
        packed = b"".join(len(body).to_bytes(2, "big") + body for body in bodies[:width])
        return _answer(packed, have=len(bodies), width=width)


def _place(index: str) -> tuple[int, int]:
    """Number and width that a path names. Raises TileNotFound for any spelling but the one."""
    found = _INDEX.fullmatch(index)
    width = int(found[2]) if found and found[2] else tiles.WIDTH
    number = int(found[1].replace("x", "").replace("/", "")) if found else 0
    if found is None or found[1] != tiles.index_path(number) or (found[2] and width >= tiles.WIDTH):
        raise TileNotFound(
            f"{index[:100]!r} names no tile; the first are spelled 000, 001, … and a part of one 000.p/7."
        )
    return number, width


def _answer(data: bytes, *, have: int, width: int) -> HttpResponse:
    if have < width:
        raise TileNotFound(f"The log has {have} of the {width} entries of this tile so far.")
    return HttpResponse(data, content_type="application/octet-stream", headers={"Cache-Control": FOREVER})
