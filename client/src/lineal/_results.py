"""What the server's answers become in Python: versions of models, and histories of metrics."""

from array import array
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True)
class Chart:
    """One metric of one run, thinned so that no spike is lost: points that stand for those which arrived after the first `since`.

    `count` is how many points there are in all; given to `charts` as `since`, it asks for what comes later. `thinned` says
    whether points were left out. A `since` of 0 that was not asked for means that the series began anew.
    """

    points: History
    count: int
    since: int
    thinned: bool


_COLUMNS = (("steps", "q", "<i8"), ("times", "q", "<i8"), ("values", "d", "<f8"))


def history_of(columns: Mapping[str, Any], *, numpy: bool) -> History:
    """A history of packed little-endian columns: numpy's views of them, or arrays of the standard library."""
    if not numpy:
        return History(*(array_of(code, columns[name]) for name, code, _ in _COLUMNS))
    import numpy as np

    return History(*(np.frombuffer(columns[name], kind) for name, _, kind in _COLUMNS))


def charts_of(items: Iterable[Mapping[str, Any]], *, numpy: bool) -> dict[str, dict[str, Chart]]:
    """By run and metric."""
    return {
        item["run"]: {
            key: Chart(history_of(found, numpy=numpy), found["count"], found["since"], found["downsampled"])
            for key, found in item["series"].items()
        }
        for item in items
    }


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
