"""How a dataset version is mentioned on the wire."""

import math
from typing import Annotated, Any, Literal

import msgspec

from core.codec import number

JSON_DEPTH = 50  # objects and lists within one another; both databases and every reader can follow that

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class DatasetUse(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A dataset as a run read it. `strength` says what `digest` is worth: see `tracking.models.DatasetVersion`."""

    name: str
    digest: str | None = None
    kind: Literal["file", "directory", "frame", "uri"] = "uri"
    strength: Literal["content", "snapshot", "declared", "path"] = "declared"
    context: Annotated[str, msgspec.Meta(max_length=100)] = ""
    schema: list[dict[str, Any]] | None = None
    rows: Count | None = None
    bytes: Count | None = None
    uri: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    source_version: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    profile: dict[str, Any] | None = None


def storable(value: Any, *, depth: int = 0) -> Any:
    """`value` as both databases keep JSON: numbers that are none become "NaN", "Infinity" and "-Infinity".

    Raises:
        ValueError: it holds what JSON cannot (bytes, keys that are no text), NUL characters, or is nested too deep.
    """
    if depth > JSON_DEPTH:
        raise ValueError(f"is nested deeper than {JSON_DEPTH} levels")
    if isinstance(value, dict):
        return {_text(key): storable(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item, depth=depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else number(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    raise ValueError(f"holds a value that JSON cannot carry ({type(value).__name__})")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("has keys that are not text")  # noqa: TRY004 - one kind of error for one kind of trouble
    if "\0" in value:
        raise ValueError("holds NUL characters")
    return value
