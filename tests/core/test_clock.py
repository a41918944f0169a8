from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core import clock


@given(st.integers(min_value=-(10**15), max_value=10**17))
def test_microseconds_survive_the_way_there_and_back(micros):
    assert clock.to_micros(clock.from_micros(micros)) == micros


def test_text_always_has_six_decimals():
    assert clock.text(datetime(2026, 11, 21, tzinfo=UTC)) == "2026-11-21T00:00:00.000000Z"


def test_text_of_an_early_year_has_four_digits_too():
    """A client's clock may say anything, and RFC 3339 knows no other years."""
    assert clock.text(datetime(156, 10, 7, tzinfo=UTC)) == "0156-10-07T00:00:00.000000Z"
