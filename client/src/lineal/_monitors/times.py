"""Moments as serving code gives them, as seconds since 1970, and the windows that they fall into."""

import time
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lineal.digest._sources import column_of

AHEAD_S = 300.0  # what clocks may differ by, and time zones that were mixed up do not
EXPECTED = "a datetime with a time zone, or seconds since 1970"

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def is_moment(at: Any) -> bool:
    """Whether it is one moment rather than one for each row."""
    return isinstance(at, datetime | float | int) or getattr(at, "ndim", None) == 0


def moment(at: Any) -> float:
    """Seconds of one moment.

    Raises:
        ValueError: no moment, one without a time zone, before 1970 or in the future.
    """
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError(f"at is {at.isoformat()}, a time without a zone: give {EXPECTED}")
        found = at.timestamp()
    else:
        try:
            found = float(at)
        except (TypeError, ValueError) as exc:
            raise ValueError(f"at is {at!r:.60}: give {EXPECTED}") from exc
    check_times(np.array([found]))
    return found


def moments(at: Any) -> NDArray[np.float64]:
    """Seconds for each row, of an array in any container. Raises ValueError or TypeError as `moment`."""
    column = at if isinstance(at, pa.ChunkedArray) else pa.chunked_array([_flat(column_of("at", at, pa))])
    kind = column.type
    if column.null_count:
        raise ValueError(f"at has {column.null_count} rows without a time")
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        seconds: NDArray[np.float64] = column.cast(pa.int64()).to_numpy() / _PER_SECOND[kind.unit]
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        seconds = column.to_numpy().astype(np.float64)
    else:
        raise ValueError(f"at is a column of {kind}: give times with a zone, or seconds since 1970")
    check_times(seconds)
    return seconds


def _flat(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def check_times(seconds: NDArray[np.float64]) -> None:
    """Raises ValueError: one is no number, before 1970 or ahead of now."""
    wrong = ~((seconds >= 0) & (seconds <= time.time() + AHEAD_S))
    if wrong.any():
        raise ValueError(f"at is {seconds[wrong][0]:.0f} seconds since 1970, which is not in the past: give {EXPECTED}")


def window_start(seconds: float, window_s: int) -> int:
    """Windows are aligned to 1970."""
    return int(seconds // window_s) * window_s
