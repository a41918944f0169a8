"""Thinning: fewer points, and no spike lost."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.metrics.downsample import LEAST_POINTS, buckets_of, outline, thin, thin_parts
from tracking.metrics.points import Points, make_points

values = st.floats(allow_nan=True, allow_infinity=True)
series = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20), values), min_size=1, max_size=200)


def sorted_points(rows):
    steps, numbers = zip(*rows, strict=True)
    return make_points(steps, range(len(rows)), numbers).by_step()


def rows_of(points):
    bits = points.values.view(np.uint64)
    return list(zip(points.steps.tolist(), points.times.tolist(), bits.tolist(), strict=True))


def kinds(numbers):
    return {"NaN" if math.isnan(each) else each for each in numbers if not math.isfinite(each)}


def borders(points, buckets):
    """Where equal buckets of the range of steps begin."""
    first, last = float(points.steps[0]), float(points.steps[-1])
    return [first + (last - first) / buckets * at for at in range(1, buckets)]


@given(series, st.integers(LEAST_POINTS, 60))
def test_thinning_keeps_ends_and_extremes_and_invents_nothing(rows, most):
    points = sorted_points(rows)

    shown = thin(points, max_points=most)

    assert len(shown) <= most
    kept, all_rows = rows_of(shown), rows_of(points)
    assert kept == [row for row in all_rows if row in set(kept)]
    assert kept[0] == all_rows[0]
    assert kept[-1] == all_rows[-1]
    if not np.isnan(points.values).all():
        assert np.nanmin(shown.values) == np.nanmin(points.values)
        assert np.nanmax(shown.values) == np.nanmax(points.values)
    assert kinds(shown.values) == kinds(points.values)


@given(st.lists(st.tuples(st.integers(0, 3_000), values), min_size=61, max_size=400), st.integers(LEAST_POINTS, 60))
def test_every_point_lies_between_the_extremes_that_its_bucket_shows(rows, most):
    """What a chart is for: wherever one looks, nothing higher, lower or stranger was there than what is drawn."""
    points = sorted_points(rows)

    shown = thin(points, max_points=most)

    assert set(rows_of(shown)) <= set(rows_of(points))
    odd = not np.isfinite(points.values).all()
    tried = [buckets_of(most), max(1, (most - 2) // 5)] if odd else [buckets_of(most)]
    assert any(_covered(points, shown, buckets) for buckets in tried)


def _covered(points, shown, buckets):
    if points.steps[0] == points.steps[-1]:
        return True
    edges = borders(points, buckets)
    theirs, ours = (np.searchsorted(edges, each.steps.astype(float), side="right") for each in (points, shown))
    for bucket in range(buckets):
        there, here = points.values[theirs == bucket], shown.values[ours == bucket]
        finite, drawn = there[np.isfinite(there)], here[np.isfinite(here)]
        if len(finite) and (not len(drawn) or drawn.min() != finite.min() or drawn.max() != finite.max()):
            return False
        if kinds(there) != kinds(here):
            return False
    return True


@given(series, st.integers(1, 8))
def test_an_outline_keeps_ends_and_extremes_of_each_stretch(rows, stretches):
    points = sorted_points(rows)

    seen = outline(points, stretches=stretches)

    assert seen.sizes.sum() == len(seen.points)
    assert set(rows_of(seen.points)) <= set(rows_of(points))
    starts = np.unique(np.linspace(0, len(points), stretches, endpoint=False).astype(int))
    ends = np.cumsum(seen.sizes)
    for begin, end, first, last in zip(starts, [*starts[1:], len(points)], ends - seen.sizes, ends, strict=True):
        there, here = points[begin:end], seen.points[first:last]
        assert rows_of(here)[0] == rows_of(there)[0]
        assert kinds(here.values) == kinds(there.values)
        finite = there.values[np.isfinite(there.values)]
        if len(finite):
            drawn = here.values[np.isfinite(here.values)]
            assert (drawn.min(), drawn.max()) == (finite.min(), finite.max())


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(LEAST_POINTS, 60), st.sampled_from([0, 0.01, 0.3]))
def test_a_chart_of_outlines_covers_every_point_with_the_bucket_of_its_stretch(seed, most, odd):
    """Buckets begin with a stretch, not between two of its rows: what is kept of a bucket covers all rows of its stretches."""
    noise = np.random.default_rng(seed)
    numbers = noise.normal(size=4_000).cumsum()
    strange = noise.random(4_000) < odd
    numbers[strange] = noise.choice([np.nan, np.inf, -np.inf], strange.sum())
    points = Points(np.cumsum(noise.integers(0, 5, 4_000)), np.arange(4_000), numbers)
    pieces = [points[at : at + 500] for at in range(0, 4_000, 500)]

    shown = thin_parts([outline(piece) for piece in pieces], max_points=most)

    assert len(shown) <= most
    assert rows_of(shown)[0] == rows_of(points)[0]
    assert rows_of(shown)[-1] == rows_of(points)[-1]
    buckets = [buckets_of(most), max(1, (most - 2) // 5)]
    assert any(_stretches_covered(points, pieces, shown, each) for each in buckets)


def _stretches_covered(points, pieces, shown, buckets):
    edges = borders(points, buckets)
    starts = [
        at + int(row)
        for at in range(0, len(points), 500)
        for row in np.unique(np.linspace(0, 500, 32, endpoint=False).astype(int))
    ]
    of_stretch = np.searchsorted(edges, points.steps[starts].astype(float), side="right")
    bucket = np.repeat(of_stretch, np.diff([*starts, len(points)]))
    where = dict(zip(rows_of(points), bucket, strict=True))
    drawn = np.array([where[row] for row in rows_of(shown)])
    for number in np.unique(bucket):
        there, here = points.values[bucket == number], shown.values[drawn == number]
        finite, seen = there[np.isfinite(there)], here[np.isfinite(here)]
        if len(finite) and (not len(seen) or seen.min() != finite.min() or seen.max() != finite.max()):
            return False
        if kinds(there) != kinds(here):
            return False
    return True


def test_one_spike_among_a_million_points_survives():
    count = 1_000_000
    flat = np.zeros(count)
    flat[614_159] = 9.0
    flat[271_828] = -9.0

    shown = thin(Points(np.arange(count), np.arange(count), flat), max_points=1_000)

    assert len(shown) <= 1_000
    assert {614_159, 271_828} <= set(shown.steps.tolist())


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf], ids=str)
def test_one_value_that_is_no_number_is_seen_and_hides_no_spike(strange):
    numbers = [1.0] * 1_000
    numbers[500], numbers[501] = strange, 9.0

    shown = thin(make_points(range(1_000), range(1_000), numbers), max_points=20)

    assert {500, 501} <= set(shown.steps.tolist())


def test_several_writers_of_the_same_steps_are_drawn_together():
    """Outlines that lie across one another: the extremes of each are there, and the steps stand in order."""
    first = Points(np.arange(1_000), np.arange(1_000), np.zeros(1_000))
    second = Points(np.arange(1_000), np.arange(1_000) + 5, np.zeros(1_000))
    first.values[400], second.values[700] = 9.0, -9.0

    shown = thin_parts([outline(first), outline(second)], max_points=40)

    assert (shown.values.max(), shown.values.min()) == (9.0, -9.0)
    assert np.all(np.diff(shown.steps) >= 0)


def test_few_points_are_left_alone():
    points = make_points([1, 2, 3], [0, 0, 0], [1.0, 2.0, 3.0])

    assert thin(points, max_points=4) is points
