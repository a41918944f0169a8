"""JSON at the edges: written by orjson, with our spelling of times, ids and numbers that JSON lacks."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from core import clock
from core.errors import Malformed, TooLarge

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_SERIALIZE_NUMPY


def number(value: float | None) -> float | str | None:
    """A float for JSON: NaN and the infinities become the strings "NaN", "Infinity" and "-Infinity"."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def ready(text: str) -> Any:
    """JSON that somebody else wrote, such as a database, to stand as it is in what `json_bytes` is given."""
    return orjson.Fragment(text)


def json_bytes(value: Any) -> bytes:
    """Keys that are no texts are spelled like values. To be ready for them takes half as long again, and hardly any answer has one."""
    try:
        return orjson.dumps(value, default=_default, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return orjson.dumps(value, default=_default, option=_OPTIONS | orjson.OPT_NON_STR_KEYS)


def json_answer(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(json_bytes(value), status=status, content_type=JsonRenderer.media_type)


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else json_bytes(data)


class OneForm(BaseContentNegotiation):
    """Each route has one form of answer, so Accept is not asked (RFC 9110, 12.5.1 lets a server disregard it)."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next((each for each in parsers if media_type_matches(each.media_type, request.content_type)), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, only.media_type


class JsonParser(BaseParser):
    """Strict JSON: no NaN, no duplicate surprises of type, and an error that says where it broke."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Reads no more than the view takes, which is `DATA_UPLOAD_MAX_MEMORY_SIZE` unless its `max_json_bytes` says otherwise.

        Raises:
            Malformed: no JSON.
            TooLarge: more than that.
        """
        view = (parser_context or {}).get("view")
        return read_json(stream, getattr(view, "max_json_bytes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


def read_json(stream: Any, most: int) -> Any:
    """What the stream holds, in at most so many bytes. Raises as `JsonParser.parse`."""
    body = stream.read(most + 1)
    if len(body) > most:
        raise TooLarge(f"A request body holds at most {most} bytes here.")
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Raises Malformed, naming line and column."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        detail = f"The body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}."
        if b"NaN" in body or b"Infinity" in body:
            detail += ' JSON has no NaN or Infinity; send the strings "NaN", "Infinity" or "-Infinity".'
        raise Malformed(detail) from exc
