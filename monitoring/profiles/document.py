"""Shapes of the document: types, bounds and member names, before anything is known to agree with anything."""

import math
from base64 import b64decode
from binascii import Error as NotBase64
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray

from monitoring.profiles.errors import InvalidProfile, require
from monitoring.profiles.parts import FAMILY_OF, MOST_CELLS, MOST_EDGES, MOST_VALUES

T = TypeVar("T", bound=Struct)

MOST_COLUMNS = 10_000
MOST_EMBEDDINGS = 100
MOST_CLASSES = 256
LONGEST_NAME = 500  # characters
MOST_ROWS = 2**53  # what a double counts exactly

Count = Annotated[int, Meta(ge=0, le=MOST_ROWS)]
Some = Annotated[int, Meta(ge=1, le=MOST_ROWS)]
Hex16 = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(max_length=LONGEST_NAME, pattern=r"^[^\x00]*\Z")]
Number = float | Annotated[str, Meta(pattern=r"^-?Infinity\Z")]


def _one_of(*texts: str) -> Meta:
    return Meta(pattern=rf"^({'|'.join(texts)})\Z")


class ProfileDocument(Struct, forbid_unknown_fields=True):
    schema: Annotated[str, _one_of("lineal-profile/1")]
    privacy: Annotated[str, _one_of("standard", "strict")]
    key: Hex16
    rows: Count
    columns: Annotated[dict[Name, Any], Meta(max_length=MOST_COLUMNS)]
    performance: dict[str, Any] | None
    embeddings: Annotated[dict[Name, Any], Meta(max_length=MOST_EMBEDDINGS)]


class CountsDocument(Struct, forbid_unknown_fields=True):
    items: Annotated[list[tuple[float | str, Some]], Meta(max_length=MOST_VALUES)]
    other: Count
    error: Count


class HistogramDocument(Struct, forbid_unknown_fields=True):
    kind: Annotated[str, _one_of("bins", "cells")]
    id: Hex64
    counts: Annotated[list[Count], Meta(min_length=1, max_length=MOST_CELLS + 1)]
    edges: Annotated[list[Number], Meta(max_length=MOST_EDGES)] | UnsetType = UNSET
    hashes: Annotated[list[Hex16], Meta(max_length=MOST_CELLS)] | UnsetType = UNSET


class ColumnDocument(Struct, forbid_unknown_fields=True):
    type: Annotated[str, _one_of(*FAMILY_OF)]
    family: str
    role: Annotated[str, _one_of("feature", "prediction", "label")]
    n: Count
    nulls: Count
    nan: Count
    pos_inf: Count
    neg_inf: Count
    zeros: Count
    mean: Number | None
    m2: Number | None
    min: Number | None
    max: Number | None
    values: CountsDocument | None
    hashes: CountsDocument | None
    kll: str | None
    kmv: str | None
    hist: HistogramDocument | None


class ScoresDocument(Struct, forbid_unknown_fields=True):
    all: str
    hit: str
    miss: str


class ClassificationDocument(Struct, forbid_unknown_fields=True, tag_field="kind", tag="classification"):
    predicted: Count
    labelled: Count
    classes: Annotated[list[Name], Meta(max_length=MOST_CLASSES)]
    confusion: list[list[Count]]
    log_loss: Number
    scored: Count
    scores: dict[str, ScoresDocument]


class RegressionDocument(Struct, forbid_unknown_fields=True, tag_field="kind", tag="regression"):
    predicted: Count
    labelled: Count
    error: Number
    absolute: Number
    squared: Number
    y: Number
    y2: Number


class PerformanceDocument(Struct, forbid_unknown_fields=True):
    performance: ClassificationDocument | RegressionDocument


class EmbeddingDocument(Struct, forbid_unknown_fields=True):
    dim: Annotated[int, Meta(ge=1, le=2**20)]
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    sigma: Annotated[float, Meta(gt=0)]
    n: Count
    cos: str
    sin: str


def shaped(value: Any, shape: type[T], place: str) -> T:
    """`value` as the struct `shape`.

    Raises:
        InvalidProfile: a member is missing, unknown, of another type or out of its bounds; `place` leads to it.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise _refusal(place, str(exc)) from exc


def _refusal(place: str, message: str) -> InvalidProfile:
    """msgspec ends with a path that begins with `$`; ours begins the sentence, with the place for `$`."""
    text, _, path = message.partition(" - at ")
    where = path.replace("`", "").removeprefix("key in ").removeprefix("$")
    text, _, pattern = text.partition(" matching regex ")
    if pattern:
        text += " like " + pattern.strip("'").removeprefix("^").removesuffix(r"\\Z")
    return InvalidProfile(f"{place}{where}", text[:1].lower() + text[1:])


def real(value: float | str | None, place: str) -> float | None:
    """The double that a JSON number or text stands for; NaN stands for nothing."""
    found = float(value) if value is not None else None
    require(found is None or not math.isnan(found), place, 'a number or "Infinity", never NaN')
    return found


def unpacked(
    text: str, dtype: str, place: str, *, count: int | None = None, at_most: int | None = None
) -> NDArray[Any]:
    """An array from base64 of little-endian bytes: exactly `count` values, or `at_most` so many.

    Raises:
        InvalidProfile: not base64, or another size.
    """
    try:
        raw = b64decode(text, validate=True)
    except (NotBase64, ValueError) as exc:
        raise InvalidProfile(place, f"expected base64 ({exc})") from exc
    size = np.dtype(dtype).itemsize
    require(len(raw) % size == 0, place, f"{size} bytes for each value, not {len(raw)} in all")
    found = len(raw) // size
    require(count is None or found == count, place, f"{count} values, not {found}")
    require(at_most is None or found <= at_most, place, f"at most {at_most} values, not {found}")
    return np.frombuffer(raw, dtype)
