"""Fewer points for a chart: the least and the greatest of each bucket of steps, so that no spike is ever lost."""

from __future__ import annotations

import numpy as np

from tracking.metrics.points import Int64s, Points

OUTLINE_BUCKETS = 32  # per chunk of some 4,000 points: 5 % more bytes, and charts of long series need no decoding


def thin(points: Points, *, max_points: int) -> Points:
    """At most `max_points` (at least 4) of the points, oldest step first.

    `points` must be in `by_step` order. The range of steps is cut into equal buckets; each gives its first row with the
    least and its first row with the greatest value. The first and the last point are always kept. A bucket of nothing but
    NaN gives its first point, so that a chart shows the gap. Cost: linear, about 15 ms for a million points.
    """
    if len(points) <= max_points:
        return points
    buckets = max(1, (max_points - 2) // 2)
    rows = _extreme_rows(points, _bucket_starts(points.steps, buckets))
    return points[np.unique(np.concatenate(([0], rows, [len(points) - 1])))]


def outline(points: Points, *, buckets: int = OUTLINE_BUCKETS) -> Points:
    """The extremes of `buckets` runs of neighbouring rows, with first and last: what a chunk shows from afar.

    `points` in `by_step` order. Buckets are of equal row counts here, since a chunk's steps may be anything.
    """
    if len(points) <= 2 * buckets + 2:
        return points
    starts = np.linspace(0, len(points), buckets, endpoint=False).astype(np.intp)
    rows = _extreme_rows(points, starts)
    return points[np.unique(np.concatenate(([0], rows, [len(points) - 1])))]


def _bucket_starts(steps: Int64s, buckets: int) -> np.ndarray:
    """First row of each bucket that has rows. Computed in floats: step ranges may exceed 64 bits."""
    first, last = float(steps[0]), float(steps[-1])
    if first == last:
        return np.linspace(0, len(steps), buckets, endpoint=False).astype(np.intp)
    width = (last - first) / buckets
    edges = first + width * np.arange(1, buckets)
    starts = np.searchsorted(steps.astype(np.float64), edges, side="left")
    return np.unique(np.concatenate(([0], starts[starts < len(steps)])))


def _extreme_rows(points: Points, starts: np.ndarray) -> np.ndarray:
    """Rows of the first least and first greatest value of each bucket; NaN never wins against a number."""
    values = points.values
    lowest = np.fmin.reduceat(values, starts)
    highest = np.fmax.reduceat(values, starts)
    sizes = np.diff(np.append(starts, len(values)))
    is_low = values == np.repeat(lowest, sizes)
    is_high = values == np.repeat(highest, sizes)
    return np.concatenate((_first_true(is_low, starts), _first_true(is_high, starts)))


def _first_true(mask: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """For each bucket the first row where `mask` holds, or its first row where it holds nowhere (all NaN)."""
    rows = np.where(mask, np.arange(len(mask)), len(mask))
    first = np.minimum.reduceat(rows, starts)
    return np.where(first == len(mask), starts, first)
