"""Fewer points for a chart: the least and the greatest of each bucket of steps, so that no spike is ever lost.

Two stages share one idea. A chunk of a series keeps an *outline*: its rows, oldest step first, cut into stretches, and of each
stretch its first row and its extremes. A chart cuts the range of steps into buckets, gives each stretch to the bucket that its
first row lies in, and keeps the extremes of each bucket. So a bucket's extremes are those of all its rows, whether they were
decoded or seen through outlines; only the borders of buckets move, to the next stretch.

What is no number hides nothing and is not hidden: extremes are those of the finite values, and beside them the first NaN, the
first infinity and the first negative infinity are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracking.metrics.points import Points, concat

OUTLINE_STRETCHES = 32  # per chunk of some 4,000 points: 4 % more bytes, and charts of long series need no decoding
LEAST_POINTS = 7  # of a chart: both ends, and of one bucket both extremes and each kind of what is no number

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Stretched:
    """Points whose rows belong together in stretches; `sizes` rows each, one after the other. Of a stretch, the first row is kept first."""

    points: Points
    sizes: npt.NDArray[np.intp]


def outline(points: Points, *, stretches: int = OUTLINE_STRETCHES) -> Stretched:
    """First row and extremes of `stretches` runs of neighbouring rows, and the last row: what a chunk shows from afar.

    `points` in `by_step` order. Stretches are of equal row counts, since a chunk's steps may be anything.
    """
    return _stretched(points, np.unique(np.linspace(0, len(points), stretches, endpoint=False).astype(np.intp)))


def thin(points: Points, *, max_points: int) -> Points:
    """As `thin_parts`, of points that are all there. About 15 ms for a million points."""
    points = points.by_step()
    return points if len(points) <= max_points else thin_parts([points], max_points=max_points)


def thin_parts(parts: Sequence[Points | Stretched], *, max_points: int) -> Points:
    """At most `max_points` (at least `LEAST_POINTS`) of the points, oldest step first; the first and the last are always kept.

    `parts` in order of arrival, each of at least one point: outlines, or all points in `by_step` order. The range of steps is cut
    into equal buckets; each gives its first row with the least and its first row with the greatest finite value, and its first
    row of each kind that is no number.
    """
    kept = _thin(parts, buckets_of(max_points))
    return kept if len(kept) <= max_points else _thin(parts, max(1, (max_points - 2) // 5))


def buckets_of(max_points: int) -> int:
    """How many buckets a chart of so many points has, where all values are numbers: two points each, and the ends."""
    return max(1, (max_points - 2) // 2)


def _thin(parts: Sequence[Points | Stretched], buckets: int) -> Points:
    edges = _edges(parts, buckets)
    stretched = [part if isinstance(part, Stretched) else _condensed(part, edges, buckets) for part in parts]
    points = concat([part.points for part in stretched])
    sizes = np.concatenate([part.sizes for part in stretched])
    bucket = np.repeat(_bucket_of_each(points.steps[np.cumsum(sizes) - sizes], edges, buckets), sizes)
    order = points.order()
    if order is not None:
        points, bucket = points[order], bucket[order]
    return points[_chart_rows(points, bucket)]


def _edges(parts: Sequence[Points | Stretched], buckets: int) -> np.ndarray | None:
    """Where buckets begin, but for the first; None where all steps are equal. In floats: step ranges may exceed 64 bits."""
    steps = [(part.points if isinstance(part, Stretched) else part).steps for part in parts]
    first, last = float(min(each[0] for each in steps)), float(max(each[-1] for each in steps))
    return None if first == last else first + (last - first) / buckets * np.arange(1, buckets)


def _condensed(points: Points, edges: np.ndarray | None, buckets: int) -> Stretched:
    """A stretch for each bucket that has rows: the same chart comes of it as of all of them."""
    if edges is None:
        starts = np.linspace(0, len(points), min(buckets, len(points)), endpoint=False).astype(np.intp)
    else:
        found = np.searchsorted(points.steps.astype(np.float64), edges, side="left")
        starts = np.unique(np.concatenate(([0], found[found < len(points)])))
    return _stretched(points, starts)


def _stretched(points: Points, starts: Rows) -> Stretched:
    rows = np.unique(np.concatenate((starts, _extreme_rows(points, starts), [len(points) - 1])))
    return Stretched(points[rows], np.diff(np.append(np.searchsorted(rows, starts), len(rows))))


def _bucket_of_each(anchors: np.ndarray, edges: np.ndarray | None, buckets: int) -> Rows:
    """The bucket of each stretch, by the step of its first row."""
    if edges is None:
        return np.arange(len(anchors)) * buckets // len(anchors)
    return np.searchsorted(edges, anchors.astype(np.float64), side="right")


def _chart_rows(points: Points, bucket: Rows) -> Rows:
    ends = [0, len(points) - 1]
    if np.all(bucket[1:] >= bucket[:-1]):
        return np.unique(np.concatenate((ends, _extreme_rows(points, _starts(bucket)))))
    order = np.argsort(bucket, kind="stable")  # stretches that lie across one another, as several writers leave them
    rows = order[_extreme_rows(points[order], _starts(bucket[order]))]
    return np.unique(np.concatenate((ends, rows)))


def _starts(groups: np.ndarray) -> Rows:
    """First row of each run of equal numbers."""
    return np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))


def _extreme_rows(points: Points, starts: Rows) -> Rows:
    """Of each group: rows of its first least and first greatest finite value, and of the first of each kind that is no number."""
    values = points.values
    odd = np.flatnonzero(~np.isfinite(values))
    if not len(odd):
        return _extremes(values, starts)
    finite = values.copy()
    finite[odd] = np.nan  # fmin and fmax step over NaN
    kind = np.where(np.isnan(values[odd]), 0, np.where(values[odd] > 0, 1, 2))
    group = np.searchsorted(starts, odd, side="right")
    firsts = np.unique(group * 3 + kind, return_index=True)[1]
    return np.concatenate((_extremes(finite, starts), odd[firsts]))


def _extremes(values: np.ndarray, starts: Rows) -> Rows:
    sizes = np.diff(np.append(starts, len(values)))
    lowest = np.repeat(np.fmin.reduceat(values, starts), sizes)
    highest = np.repeat(np.fmax.reduceat(values, starts), sizes)
    return np.concatenate((_first_true(values == lowest, starts), _first_true(values == highest, starts)))


def _first_true(mask: np.ndarray, starts: Rows) -> Rows:
    """The first row where `mask` holds, of each group that has one."""
    rows = np.flatnonzero(mask)
    group = np.searchsorted(starts, rows, side="right")
    return rows[_starts(group)] if len(rows) else rows
