"""Bodies that are kept as they came: read as bytes, bounded, and parsed later by whoever knows their form."""

from collections.abc import Mapping
from typing import Any

from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.errors import TooLarge
from registry.services.reports import DOCUMENT_BYTES


class DocumentParser(BaseParser):
    """JSON as bytes: its digest is that of what was sent, and tools write JSON that the strict parser refuses (NaN)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Raises TooLarge."""
        body: bytes = stream.read(DOCUMENT_BYTES + 1)
        if len(body) > DOCUMENT_BYTES:
            raise TooLarge(f"A document of evidence has at most {DOCUMENT_BYTES} bytes.")
        return body


def document_of(request: Request) -> bytes:
    """The body's bytes; none at all where the request had no body, for which no parser is asked."""
    body: Any = request.data
    return body if isinstance(body, bytes) else b""
