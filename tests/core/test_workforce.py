"""Workers without a broker: what they find by themselves, keep hold of, and give back."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import clock, jobs, leases
from core.models import Job
from core.workforce import Workforce
from tests.installation import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
BEGUN, GO_ON, DONE = threading.Event(), threading.Event(), []


@jobs.job("tests.slow", lease_s=60)
def slow(**arguments):
    BEGUN.set()
    assert GO_ON.wait(20)
    DONE.append(arguments)


@pytest.fixture
def workforce(settings):
    if connection.vendor == "sqlite":
        pytest.skip("the database of the tests lies in this thread's memory")
    settings.JOB_LEASE_S, settings.SWEEP_S = 1, 1
    for event in (BEGUN, GO_ON):
        event.clear()
    DONE.clear()
    made = Workforce(2)
    made.start()
    yield made
    GO_ON.set()
    made.stop(10)


def enqueue(**options):
    with transaction.atomic():
        jobs.enqueue("tests.slow", **options)


def test_jobs_are_found_without_anybody_ringing(workforce):
    GO_ON.set()
    enqueue(colour="blue")

    wait_for(lambda: DONE, "the job", 10)
    wait_for(lambda: Job.objects.get().done_at is not None, "its mark", 10)


def test_a_job_that_becomes_due_soon_is_not_kept_waiting_for_the_sweep(workforce, settings):
    GO_ON.set()
    settings.SWEEP_S = 30
    time.sleep(1.2)  # the threads are in their long wait now
    enqueue(_delay_s=0.3)
    workforce.wake()  # as the doorbell does

    wait_for(lambda: DONE, "the job", 5)


def test_one_ring_sets_as_many_to_work_as_there_is_work(workforce, settings):
    settings.SWEEP_S = 30
    time.sleep(1.2)  # the threads are in their long wait now
    with transaction.atomic():
        jobs.enqueue_all([("tests.slow", {"colour": "blue"}), ("tests.slow", {"colour": "red"})])
    workforce.wake()  # as the doorbell does

    wait_for(lambda: Job.objects.filter(leased_until__isnull=False).count() == 2, "both", 5)


def test_for_one_job_one_thread_looks(workforce, settings, monkeypatch):
    settings.SWEEP_S = 30
    time.sleep(1.2)
    looked, take = set(), jobs._lease_next
    monkeypatch.setattr(jobs, "_lease_next", lambda *given: looked.add(threading.current_thread().name) or take(*given))
    GO_ON.set()
    enqueue()
    workforce.wake()

    wait_for(lambda: Job.objects.get().done_at is not None, "the job", 5)
    assert len(looked) == 1


def test_a_lease_is_renewed_while_its_worker_lives(workforce):
    enqueue()
    assert BEGUN.wait(10)
    time.sleep(2.5)  # more than twice the lease

    assert jobs._lease_next() is None, "nobody else may have it"
    assert Job.objects.get().leased_until > clock.now()


def test_a_workforce_that_stops_waits_for_what_is_at_hand(workforce):
    enqueue()
    assert BEGUN.wait(10)
    threading.Timer(0.5, GO_ON.set).start()

    assert workforce.stop(10) is True
    assert Job.objects.get().done_at is not None


def test_what_cannot_be_finished_is_given_back_at_once(workforce):
    enqueue()
    assert BEGUN.wait(10)

    assert workforce.stop(0.2) is False

    assert Job.objects.get().leased_until is None
    assert jobs._lease_next() is not None, "another may begin it"


def test_a_job_that_kills_its_workers_is_set_aside(later):
    """Each time the lease runs out; after the last time people have to look."""
    enqueue()
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs._lease_next() is not None
        leases.held.drop(Job.objects.get())
        later(61)

    assert jobs._lease_next() is None
    job = Job.objects.get()
    assert job.failed_at is not None
    assert "its worker died each time" in job.last_error


def test_a_hung_job_is_not_held_for_ever(settings, later):
    settings.JOB_LEASE_S = 1
    enqueue()
    taken = jobs._lease_next()
    held = leases.held._held[taken.pk]
    leases.held._held[taken.pk] = leases._Held(held.attempts, time.monotonic() - 1)
    try:
        leases.held.renew()
        later(2)
        assert jobs._lease_next() is not None, "it has had its time"
    finally:
        leases.held.drop(taken)


def test_a_lease_that_was_lost_is_not_renewed_over_the_new_ones_head(later):
    enqueue()
    first = jobs._lease_next()
    later(61)
    second = jobs._lease_next()
    assert second.attempts == 2
    leases.held._held[first.pk] = leases._Held(1, time.monotonic() + 60)

    later(10)
    leases.held.renew()

    assert Job.objects.get().leased_until < clock.now() + timedelta(seconds=25)
    leases.held.drop(first)
