"""Points of one metric as three columns of equal length: step int64, time int64 (µs since 1970, UTC), value float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

STEP = np.dtype("<i8")
VALUE = np.dtype("<f8")


@dataclass(frozen=True, slots=True)
class Points:
    """Three columns; row i is one point. The order is the order of arrival unless a function says otherwise."""

    steps: Int64s
    times: Int64s
    values: Float64s

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Points:
        return Points(self.steps[rows], self.times[rows], self.values[rows])

    def by_step(self) -> Points:
        """Oldest step first; equal steps by time, then in order of arrival."""
        order = self.order()
        return self if order is None else self[order]

    def order(self) -> npt.NDArray[np.intp] | None:
        """The rows as `by_step` puts them; None where they stand so already."""
        if is_sorted(self.steps, self.times):
            return None
        return np.lexsort((self.times, self.steps))  # stable, and its last key counts first


EMPTY = Points(np.empty(0, STEP), np.empty(0, STEP), np.empty(0, VALUE))


def is_sorted(steps: Int64s, times: Int64s) -> bool:
    """Whether the rows already stand in (step, time) order: true of nearly every series, and cheaper than sorting."""
    if len(steps) < 2:
        return True
    later = steps[1:] > steps[:-1]
    same = (steps[1:] == steps[:-1]) & (times[1:] >= times[:-1])
    return bool(np.all(later | same))


def make_points(steps: Iterable[int], times: Iterable[int], values: Iterable[float]) -> Points:
    """Columns from plain Python numbers."""
    return Points(np.array(list(steps), STEP), np.array(list(times), STEP), np.array(list(values), VALUE))


def concat(parts: list[Points]) -> Points:
    """One after the other, in the order given."""
    if not parts:
        return EMPTY
    if len(parts) == 1:
        return parts[0]
    return Points(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
