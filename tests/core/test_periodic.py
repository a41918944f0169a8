"""Turns of periodic jobs: each is taken once, and none is skipped for good."""

import pytest

from core import clock, jobs, periodic
from core.models import Job, PeriodicRun
from tests.registry.test_races import at_once


@pytest.fixture(autouse=True)
def _one_job(monkeypatch):
    jobs.job("tests.hourly")(lambda: None)
    monkeypatch.setattr(jobs, "PERIODS_S", {"tests.hourly": 3_600.0})


def test_the_first_turn_comes_after_one_period(db, later):
    assert periodic.enqueue_due() == []
    later(3_601)
    assert periodic.enqueue_due() == ["tests.hourly"]
    assert periodic.enqueue_due() == []
    assert Job.objects.count() == 1


def test_a_turn_that_nobody_took_is_taken_once_when_a_beat_is_back(db, later):
    periodic.enqueue_due()
    later(10 * 3_600)

    assert periodic.enqueue_due() == ["tests.hourly"]
    assert periodic.enqueue_due() == []


def test_one_that_still_waits_stands_for_both(db, later):
    periodic.enqueue_due()
    for _ in range(3):
        later(3_601)
        periodic.enqueue_due()

    assert Job.objects.count() == 1


def test_a_clock_that_was_wrong_stops_nothing(db, later):
    """A machine a year ahead took a turn; the others do not wait for a year."""
    PeriodicRun.objects.create(name="tests.hourly", last_at=clock.now().replace(year=clock.now().year + 1))

    assert periodic.enqueue_due() == ["tests.hourly"]


@pytest.mark.django_db(transaction=True)
def test_beats_at_the_same_moment_take_a_turn_once(later):
    from django.db import connection

    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets in one writer at a time, and the tests' is in the memory of one process")
    periodic.enqueue_due()
    later(3_601)

    taken = at_once(*[periodic.enqueue_due] * 4)

    assert sorted(map(len, taken)) == [0, 0, 0, 1]
    assert Job.objects.count() == 1
