"""Thinning: fewer points, and no spike lost."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracking.metrics.downsample import outline, thin
from tracking.metrics.points import Points, make_points

values = st.floats(allow_nan=True, allow_infinity=True)
series = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), values), min_size=1, max_size=200)


def sorted_points(rows):
    steps, numbers = zip(*rows, strict=True)
    return make_points(steps, range(len(rows)), numbers).by_step()


def rows_of(points):
    bits = points.values.view(np.uint64)
    return list(zip(points.steps.tolist(), points.times.tolist(), bits.tolist(), strict=True))


@given(series, st.integers(4, 60))
def test_thinning_keeps_ends_and_extremes_and_invents_nothing(rows, most):
    points = sorted_points(rows)

    shown = thin(points, max_points=most)

    assert len(shown) <= max(most, 4)
    kept, all_rows = rows_of(shown), rows_of(points)
    assert kept == [row for row in all_rows if row in set(kept)]
    assert kept[0] == all_rows[0]
    assert kept[-1] == all_rows[-1]
    if not np.isnan(points.values).all():
        assert np.nanmin(shown.values) == np.nanmin(points.values)
        assert np.nanmax(shown.values) == np.nanmax(points.values)


@given(series, st.integers(1, 8))
def test_an_outline_keeps_ends_and_extremes_of_each_stretch(rows, buckets):
    points = sorted_points(rows)

    shown = outline(points, buckets=buckets)

    assert len(shown) <= 2 * buckets + 2
    assert set(rows_of(shown)) <= set(rows_of(points))
    if not np.isnan(points.values).all():
        assert np.nanmin(shown.values) == np.nanmin(points.values)
        assert np.nanmax(shown.values) == np.nanmax(points.values)


def test_one_spike_among_a_million_points_survives():
    count = 1_000_000
    flat = np.zeros(count)
    flat[614_159] = 9.0
    flat[271_828] = -9.0

    shown = thin(Points(np.arange(count), np.arange(count), flat), max_points=1_000)

    assert len(shown) <= 1_000
    assert {614_159, 271_828} <= set(shown.steps.tolist())


def test_a_gap_of_nan_stays_visible():
    points = make_points(range(100), range(100), [1.0] * 40 + [math.nan] * 40 + [1.0] * 20)

    assert np.isnan(thin(points, max_points=20).values).any()


def test_few_points_are_left_alone():
    points = make_points([1, 2, 3], [0, 0, 0], [1.0, 2.0, 3.0])

    assert thin(points, max_points=4) is points
