"""What search and lists need of a series without its points: count, last, least and greatest value with their steps.

The rules, the same in Python and in the upsert that merges a batch into the stored row:

- `last` is the point with the greatest step; of equal steps the latest time, of equal times the later arrival.
- NaN is never least or greatest. It can be last, and then `last` is None: neither JSON nor SQLite can spell NaN, so in
  every summary None means "the last value was NaN" (a series without points has no summary at all).
- Infinities are ordinary values. Of equal extremes the smallest step is kept.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tracking.metrics.points import Points


class Summary(NamedTuple):
    """One series (or one chunk of it) in eight numbers. `min` and `max` are None when every value was NaN.

    A tuple, because a page of runs makes thousands of them.
    """

    count: int  # type: ignore[assignment]  # what it is called everywhere; nobody counts values in a summary
    last: float | None
    last_step: int
    last_time: int
    min: float | None
    min_step: int | None
    max: float | None
    max_step: int | None


def summarise(points: Points) -> Summary:
    """Summary of at least one point. About 15 µs, and 5 µs for a single point."""
    if len(points) == 1:
        return _of_one(points)
    row = _last_row(points)
    lowest, lowest_step, highest, highest_step = _extremes(points)
    return Summary(
        count=len(points),
        last=none_if_nan(float(points.values[row])),
        last_step=int(points.steps[row]),
        last_time=int(points.times[row]),
        min=lowest,
        min_step=lowest_step,
        max=highest,
        max_step=highest_step,
    )


def merge(before: Summary, after: Summary) -> Summary:
    """Summary of the points of `before` followed by those of `after`."""
    last = after if (after.last_step, after.last_time) >= (before.last_step, before.last_time) else before
    low = _better(before.min, before.min_step, after.min, after.min_step, sign=1)
    high = _better(before.max, before.max_step, after.max, after.max_step, sign=-1)
    return Summary(
        count=before.count + after.count,
        last=last.last,
        last_step=last.last_step,
        last_time=last.last_time,
        min=low[0],
        min_step=low[1],
        max=high[0],
        max_step=high[1],
    )


def none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _of_one(points: Points) -> Summary:
    step, time, value = int(points.steps[0]), int(points.times[0]), none_if_nan(float(points.values[0]))
    extreme_step = None if value is None else step
    return Summary(1, value, step, time, value, extreme_step, value, extreme_step)


def _last_row(points: Points) -> int:
    """Row of the last point in the sense of this module."""
    tail = len(points) - 1
    greatest = points.steps.max()
    rows = np.flatnonzero(points.steps == greatest)
    if len(rows) == 1:
        return int(rows[0])
    times = points.times[rows]
    return int(rows[np.flatnonzero(times == times.max())[-1]]) if tail else 0


def _extremes(points: Points) -> tuple[float | None, int | None, float | None, int | None]:
    values = points.values
    lowest = np.fmin.reduce(values)  # fmin and fmax step over NaN; all NaN gives NaN
    if np.isnan(lowest):
        return None, None, None, None
    highest = np.fmax.reduce(values)
    return (
        float(lowest),
        int(points.steps[values == lowest].min()),
        float(highest),
        int(points.steps[values == highest].min()),
    )


def _better(
    a: float | None, a_step: int | None, b: float | None, b_step: int | None, *, sign: int
) -> tuple[float | None, int | None]:
    if a is None or a_step is None:
        return b, b_step
    if b is None or b_step is None:
        return a, a_step
    return (a, a_step) if (sign * a, a_step) <= (sign * b, b_step) else (b, b_step)
