from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from core import clock, events, jobs, leases
from core.models import Job

CALLS: list[dict] = []
TROUBLE: list[Exception] = []
OVERTAKEN_BY: list[Callable[[], object]] = []


@jobs.job("tests.note", lease_s=30, max_attempts=3)
def note(**arguments):
    if TROUBLE:
        raise TROUBLE[0]
    CALLS.append(arguments)


@jobs.job("tests.overtaken")
def overtaken():
    OVERTAKEN_BY.pop()()
    if TROUBLE:
        raise TROUBLE[0]


@pytest.fixture(autouse=True)
def _fresh():
    CALLS.clear()
    TROUBLE.clear()


@pytest.fixture
def later(monkeypatch):
    """`later(seconds)` moves the clock on."""
    moved = [timedelta()]
    real_now = clock.now
    monkeypatch.setattr(clock, "now", lambda: real_now() + moved[0])

    def move(seconds: float) -> None:
        moved[0] += timedelta(seconds=seconds)

    return move


def test_a_job_runs_once_with_its_arguments(db):
    jobs.enqueue("tests.note", colour="blue")

    assert jobs.run_pending() == 1
    assert jobs.run_pending() == 0
    assert CALLS == [{"colour": "blue"}]


def test_a_fact_may_have_a_name(db):
    """What is announced of evidence has one, which is no other name of the job."""
    jobs.enqueue("tests.note", name="bias audit", event="attached")

    jobs.run_pending()

    assert CALLS == [{"name": "bias audit", "event": "attached"}]


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_rolled_back_transaction_never_runs():
    with transaction.atomic():
        jobs.enqueue("tests.note")
        transaction.set_rollback(True)

    assert jobs.run_pending() == 0


@pytest.mark.django_db(transaction=True)
def test_enqueueing_outside_a_transaction_is_refused():
    with pytest.raises(TransactionManagementError):
        jobs.enqueue("tests.note")


def test_an_unknown_name_is_refused_at_once(db):
    with pytest.raises(LookupError):
        jobs.enqueue("tests.no_such_job")


def test_waiting_twins_are_one_job_and_a_begun_one_lets_its_successor_in(db):
    jobs.enqueue("tests.note", _dedupe="twin")
    jobs.enqueue("tests.note", _dedupe="twin")
    assert jobs.run_pending() == 1

    jobs.enqueue("tests.note", _dedupe="twin")
    assert jobs.run_pending() == 1


def test_a_failed_job_is_tried_again_after_a_pause(db, later):
    TROUBLE.append(ValueError("not now"))
    jobs.enqueue("tests.note")
    assert jobs.run_pending() == 1
    assert "ValueError: not now" in Job.objects.get().last_error

    TROUBLE.clear()
    assert jobs.run_pending() == 0, "it waits"
    later(jobs.FIRST_RETRY_S + 1)
    assert jobs.run_pending() == 1
    assert CALLS == [{}]


def test_a_job_that_keeps_failing_is_set_aside_and_kept(db, later):
    TROUBLE.append(ValueError("never"))
    jobs.enqueue("tests.note")
    for _ in range(5):
        jobs.run_pending()
        later(60)

    job = Job.objects.get()
    assert (job.attempts, job.failed_at is not None, job.done_at) == (3, True, None)


def test_a_dead_workers_job_is_taken_over_when_its_lease_ends(db, later):
    jobs.enqueue("tests.note")
    assert jobs._lease_next() is not None, "a worker takes it, and dies"

    assert jobs.run_pending() == 0
    later(31)
    assert jobs.run_pending() == 1
    assert len(CALLS) == 1


@pytest.mark.parametrize("trouble", [[], [RuntimeError("too late")]], ids=["done", "failed"])
def test_who_was_overtaken_writes_nothing_of_the_job(db, later, trouble):
    """Its lease ended while it ran, and another began the job anew: what the first one comes to say is late."""
    jobs.enqueue("tests.overtaken")
    OVERTAKEN_BY.append(lambda: (later(3_600), leases.Leases().take({}, {})))
    TROUBLE.extend(trouble)

    jobs.run_next()

    row = Job.objects.get()
    assert (row.attempts, row.last_error, row.done_at, row.failed_at) == (2, "", None, None)
    assert row.leased_until > clock.now()


def test_two_workers_never_hold_one_job(db):
    jobs.enqueue("tests.note")

    assert jobs._lease_next() is not None
    assert jobs._lease_next() is None


def test_an_announcement_becomes_a_job_for_each_subscriber(db, monkeypatch):
    monkeypatch.setattr(events, "_subscribers", {"tests.happened": ["tests.note"]} | {})

    events.announce("tests.happened", what="rain")

    assert jobs.run_pending() == 1
    assert CALLS == [{"what": "rain"}]


def test_an_announcement_may_say_anything(db, monkeypatch):
    """A fact may well have a name, as evidence has."""
    monkeypatch.setattr(events, "_subscribers", {"tests.happened": ["tests.note"]} | {})

    events.announce("tests.happened", name="bias audit", event="x")

    assert jobs.run_pending() == 1
    assert CALLS == [{"name": "bias audit", "event": "x"}]


def test_old_done_jobs_are_forgotten_and_failed_ones_kept(db, later):
    jobs.enqueue("tests.note")
    jobs.run_pending()
    Job.objects.create(name="tests.note", created_at=clock.now(), due_at=clock.now(), failed_at=clock.now())
    later(jobs.KEEP_DONE.total_seconds() + 1)

    jobs.forget_old()

    assert [job.failed_at is not None for job in Job.objects.all()] == [True]
