"""Drawn charts: round values on the axis, limits that are named and stand apart, and words for who cannot see them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from web.drawings import Point, bars, lines, percent, ticks

DAY = timedelta(days=1)
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
LIMITS = [("warns from", 0.1, "warn"), ("critical from", 0.25, "bad")]


def points(values, every=DAY):
    return [Point(BEGAN + at * every, value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 0.013), (0.65, 0.84), (-3, 7), (0, 1_234), (5, 5), (0, 0)], ids=str
)
def test_an_axis_has_few_round_values_that_hold_all(low, high):
    marks = ticks(low, high)
    steps = {round(after - before, 12) for before, after in itertools.pairwise(marks)}

    assert marks[0] <= low
    assert high <= marks[-1]
    assert 2 <= len(marks) <= 7
    assert len(steps) == 1


def test_what_lies_beyond_a_limit_is_shaded_up_to_the_next():
    drawn = lines(points([0.0, 0.4]), limits=LIMITS)

    assert [zone.tone for zone in drawn.zones] == ["warn", "bad"]
    assert float(drawn.zones[0].y) == pytest.approx(float(drawn.limits[1].y))


def test_names_of_limits_that_lie_close_do_not_cover_one_another():
    far, near = lines(points([0.3]), limits=LIMITS), lines(points([12.0]), limits=LIMITS)

    assert [limit.text for limit in far.limits] == ["warns from 0.1", "critical from 0.25"]
    assert [limit.text for limit in near.limits] == ["", "warns from 0.1, critical from 0.25"]


def test_a_value_is_written_with_its_unit_on_the_axis_and_in_words():
    drawn = lines(points([0.5, 1.0]), as_text=percent)

    assert drawn.marks[-1].text == "100\u202f%"
    assert drawn.said == "2 windows, from 50\u202f% to 100\u202f%, the last 100\u202f%"


@pytest.mark.parametrize("count", [1, 2, 6, 30])
def test_the_days_below_are_few_and_evenly_apart(count):
    days = lines(points([0.1] * count)).days
    apart = {round(float(b.x) - float(a.x), 0) for a, b in itertools.pairwise(days)}

    assert days[0].text == "Nov 1"
    assert len(days) <= 8
    assert len(apart) <= 2  # of rounding


def test_windows_within_a_day_say_their_hour():
    assert lines(points([0.1, 0.2], every=timedelta(hours=6))).days[-1].text == "Nov 1 06:00"


def test_bars_tell_both_shares_and_their_difference():
    drawn = bars(["a", "b"], [0.25, 0.75], [0.5, 0.5])

    assert (drawn.bars[0].reference, drawn.bars[0].current, drawn.bars[0].difference) == (
        "25\u202f%",
        "50\u202f%",
        "+25.0",
    )
