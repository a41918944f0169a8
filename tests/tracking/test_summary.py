"""Summaries equal a naive reading of the points, however they were cut and merged."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tracking.metrics.columns import Columns, summarise_all
from tracking.metrics.points import make_points
from tracking.metrics.summary import Summary, merge, summarise

values = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1.0, math.nan])
rows = st.tuples(st.integers(-3, 3), st.integers(0, 2), values)


def naive(points):
    """The rules of the module, read aloud."""
    last = max(enumerate(points), key=lambda each: (each[1][0], each[1][1], each[0]))[1]
    numbers = [(value, step) for step, _, value in points if not math.isnan(value)]
    low = min(numbers, default=(None, None))
    high = max(numbers, key=lambda each: (each[0], -each[1]), default=(None, None))
    return Summary(
        count=len(points),
        last=None if math.isnan(last[2]) else last[2],
        last_step=last[0],
        last_time=last[1],
        min=low[0],
        min_step=low[1],
        max=high[0],
        max_step=high[1],
    )


def of(points):
    steps, times, numbers = zip(*points, strict=True)
    return summarise(make_points(steps, times, numbers))


@given(st.lists(rows, min_size=1, max_size=30))
def test_a_summary_is_what_a_naive_reading_finds(points):
    assert of(points) == naive(points)


@given(st.lists(rows, min_size=1, max_size=20), st.lists(rows, min_size=1, max_size=20))
def test_merging_two_parts_gives_the_summary_of_the_whole(before, after):
    assert merge(of(before), of(after)) == of(before + after)


def test_nan_can_be_last_and_is_never_least_or_greatest():
    assert of([(0, 0, 1.0), (1, 0, math.nan)]) == Summary(2, None, 1, 0, 1.0, 0, 1.0, 0)
    assert of([(0, 0, math.nan)]) == Summary(1, None, 0, 0, None, None, None, None)


def test_of_equal_steps_the_latest_time_is_last_and_of_equal_times_the_later_arrival():
    assert of([(1, 5, 1.0), (1, 9, 2.0), (1, 7, 3.0)]).last == 2.0
    assert of([(1, 5, 1.0), (1, 5, 2.0)]).last == 2.0


@given(st.lists(st.lists(rows, min_size=1, max_size=6), min_size=1, max_size=5), st.booleans())
def test_series_summarised_together_are_as_each_alone(series, in_order):
    """Whether they stand in order of steps, which is the quick way, or not."""
    parts = [sorted(each, key=lambda row: row[:2]) if in_order else each for each in series]
    columns = Columns.of((f"m{at}", make_points(*zip(*each, strict=True))) for at, each in enumerate(parts))

    assert summarise_all(columns) == {f"m{at}": of(each) for at, each in enumerate(parts)}
