"""Keyset pages: an opaque cursor carries the sort values of the last row seen, so pages stay cheap and never repeat."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson

from core.codec import json_bytes
from core.errors import Invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000


def encode_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json_bytes(list(values))).decode().rstrip("=")


def decode_cursor(cursor: str, length: int | None = None) -> list[Any]:
    """The sort values in `cursor`.

    Raises:
        Invalid: it is not one of ours, or not of `length` values.
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError) as exc:
        raise Invalid("This cursor was not made by this server.", field="cursor") from exc
    if not isinstance(values, list) or (length is not None and len(values) != length):
        raise Invalid("This cursor belongs to another listing.", field="cursor")
    return values


def parse_limit(text: str | int | None, *, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
    """Raises Invalid unless it is a whole number from 1 to `most`."""
    if text is None or text == "":
        return default
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= most:
        raise Invalid(f"limit has to be a whole number from 1 to {most}.", field="limit")
    return limit
