"""Positions in an order as opaque cursors, and back. A cursor is a stranger's text: each value is checked."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor
from tracking.search import ast
from tracking.search.fields import Kind
from tracking.search.order import Position, SortKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST_KEY = 2**63 - 1


def cursor_of(position: Position, order: Sequence[ast.Term], keys: Sequence[SortKey]) -> str:
    values = [_to_json(value) for value, _ in zip(position, keys, strict=False)]
    return encode_cursor([_fingerprint(order), *values, position[-1]])


def position_in(cursor: str, order: Sequence[ast.Term], keys: Sequence[SortKey]) -> Position:
    """Raises Invalid if the cursor is not ours, or was made for another order."""
    fingerprint, *values, pk = decode_cursor(cursor, len(keys) + 2)
    if fingerprint != _fingerprint(order) or type(pk) is not int or not 0 < pk <= _LARGEST_KEY:
        raise _foreign()
    return (*(_from_json(key, value) for key, value in zip(keys, values, strict=True)), pk)


def _fingerprint(order: Sequence[ast.Term]) -> str:
    return hashlib.sha256(repr(tuple(order)).encode()).hexdigest()[:12]


def _to_json(value: Any) -> Any:
    """Floats travel as text, since JSON knows no infinity."""
    match value:
        case float():
            return repr(value)
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case UUID():
            return value.hex
    return value


def _from_json(key: SortKey, value: Any) -> Any:
    if value is None and key.can_be_missing:
        return None
    try:
        return READERS[key.kind](value)
    except (TypeError, ValueError, OverflowError, AttributeError) as exc:
        raise _foreign() from exc


def _number(value: Any) -> float:
    number = float(value)
    if not isinstance(value, str) or math.isnan(number):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


READERS: dict[Kind, Callable[[Any], Any]] = {
    "number": _number,
    "text": _text,
    "status": _text,
    "lifecycle": _text,
    "id": UUID,
    "time": lambda value: _EPOCH + value * _MICROSECOND,
    "boolean": _boolean,
}


def _foreign() -> Invalid:
    return Invalid("This cursor belongs to another listing.", field="cursor")
