"""What the server's answers become in Python: versions of models, and histories of metrics."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class ModelVersion:
    """A registered version. `digest` (`sha256:…`) is what it is; `details` is all that the server says of it."""

    model: str
    number: int
    digest: str
    lifecycle: str
    run: str
    url: str
    details: Mapping[str, Any] = field(repr=False)


class History(NamedTuple):
    """One metric's points, oldest step first. Times are µs since 1970. Arrays of int64, int64 and float64, all of one length."""

    steps: Any
    times: Any
    values: Any


_COLUMNS = (("steps", "q", "<i8"), ("times", "q", "<i8"), ("values", "d", "<f8"))


def history_of(columns: Mapping[str, bytes], *, numpy: bool) -> History:
    """A history of packed little-endian columns: numpy's views of them, or arrays of the standard library."""
    if not numpy:
        return History(*(array_of(code, columns[name]) for name, code, _ in _COLUMNS))
    import numpy as np

    return History(*(np.frombuffer(columns[name], kind) for name, _, kind in _COLUMNS))


def array_of(code: str, packed: bytes) -> "array[Any]":
    import sys

    found = array(code)
    found.frombytes(packed)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def version_of(details: Mapping[str, Any]) -> ModelVersion:
    names = ("model", "number", "digest", "lifecycle", "run", "url")
    return ModelVersion(**{name: details[name] for name in names}, details=details)
