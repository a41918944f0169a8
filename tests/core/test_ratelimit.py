"""Buckets that fill up again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ratelimit
from core.errors import TooMany
from core.ratelimit import Buckets, Rate

RATE = Rate(per_second=2, burst=3)


@pytest.fixture
def limits(settings):
    def set_to(**rates):
        settings.LINEAL_RATE_LIMITS = rates

    ratelimit.buckets.clear()
    yield set_to
    ratelimit.buckets.clear()


def test_a_burst_passes_and_the_next_one_waits():
    buckets = Buckets()

    assert [buckets.take("api", "alice", RATE, 0.0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("api", "alice", RATE, 0.0) == 0.5


def test_the_wait_that_is_told_is_enough():
    buckets = Buckets()
    for _ in range(3):
        buckets.take("api", "alice", RATE, 0.0)
    wait_s = buckets.take("api", "alice", RATE, 0.0)

    assert buckets.take("api", "alice", RATE, wait_s - 0.01) > 0
    assert buckets.take("api", "alice", RATE, wait_s) == 0


def test_callers_and_rates_are_counted_apart():
    buckets = Buckets()
    one = Rate(per_second=1, burst=1)

    assert buckets.take("api", "alice", one, 0.0) == 0
    assert buckets.take("api", "bob", one, 0.0) == 0
    assert buckets.take("ingest", "alice", one, 0.0) == 0
    assert buckets.take("api", "alice", one, 0.0) > 0


def test_the_number_of_buckets_is_bounded():
    """A flood from many addresses must not fill the memory."""
    buckets = Buckets(most=100)

    for number in range(1_000):
        buckets.take("api", f"ip:{number}", RATE, 0.0)

    assert len(buckets) == 100


def test_a_caller_in_use_is_not_the_one_thrown_away():
    buckets, slow = Buckets(most=10), Rate(per_second=0.001, burst=100)
    for number in range(100):
        assert buckets.take("api", "busy", slow, 0.0) == 0
        buckets.take("api", f"ip:{number}", RATE, 0.0)

    assert buckets.take("api", "busy", slow, 0.0) > 0


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200))
def test_no_pattern_gets_more_than_the_rate_gives(gaps):
    buckets, moment, passed = Buckets(), 0.0, 0
    for gap in gaps:
        moment += gap
        passed += buckets.take("api", "alice", RATE, moment) == 0

    assert passed <= RATE.burst + RATE.per_second * moment + 1e-6


def test_settings_change_a_rate(limits):
    limits(sign_in=(1, 1))
    ratelimit.take("sign_in", "ip:1")

    with pytest.raises(TooMany) as refused:
        ratelimit.take("sign_in", "ip:1")
    assert refused.value.retry_after_s == 1


@pytest.mark.parametrize("name", sorted(ratelimit.DEFAULTS))
def test_every_rate_lets_at_least_a_few_through(name, limits):
    limits()
    for _ in range(10):
        ratelimit.take(name, "somebody")
