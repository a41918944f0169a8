"""Firings: each cause meets a trigger once, the cool-down holds the rest back, and nothing that happened is forgotten."""

import pytest
from django.db import connection, transaction

from accounts import services as accounts
from audit.models import AuditEvent
from core import clock, events, jobs
from core.models import Job
from monitoring import services
from monitoring.models import Firing, Trigger
from monitoring.services.causes import alert_cause, dataset_cause
from monitoring.services.firings import fire_matching
from tests.registry.test_races import at_once
from tracking.services import Direction, create_run, record_datasets, register_version
from tracking.uses import DatasetUse

pytestmark = pytest.mark.django_db

ALERT = {
    "alert_id": "0190a000-0000-7000-8000-0000000000a1",
    "kind": "drift",
    "severity": "warn",
    "model": "fraud",
    "number": 7,
    "digest": "sha256:" + "9f" * 32,
    "environment": "production",
}


@pytest.fixture(autouse=True)
def _nothing_is_sent(monkeypatch):
    """What is sent, and to whom, is tested in test_actions."""
    monkeypatch.setattr("monitoring.services.sending.send_firing", lambda firing_id: None)


@pytest.fixture
def tell(project, run_jobs):
    """`tell(kind="drift")`: an alert was opened; subscribers have done their work."""

    def announce(event="alert.opened", **changes):
        with transaction.atomic():
            events.announce(event, project_id=project.id, **ALERT | changes)
        run_jobs()

    return announce


def data(digit, name="train"):
    return DatasetUse(name=name, digest=f"sha256:{digit * 64}", strength="content", kind="file")


def states():
    return list(Firing.objects.order_by("id").values_list("state", flat=True))


def test_a_new_version_of_the_data_fires(make_trigger, project, alice, run_jobs):
    make_trigger()
    register_version(project=project, use=data("a"), actor=alice)
    register_version(project=project, use=data("b", name="other"), actor=alice)

    run_jobs()

    firing = Firing.objects.get()
    assert (firing.state, firing.cause_type) == ("pending", "dataset_version")
    assert firing.cause_label == f"new version of the dataset train (sha256:{'a' * 12}…)"


def test_an_alert_fires_with_what_it_is_about(make_trigger, tell):
    make_trigger(on="alert")

    tell()

    firing = Firing.objects.get()
    assert firing.cause_label == "drift alert on fraud v7 in production"
    assert firing.cause_id == ALERT["alert_id"]
    assert firing.facts["digest"] == ALERT["digest"]


@pytest.mark.parametrize(
    ("wanted", "fires"),
    [
        ({}, True),
        ({"kinds": ["drift", "missing"]}, True),
        ({"kinds": ["performance"]}, False),
        ({"severity": "critical"}, False),
        ({"model": "fraud", "environment": "production"}, True),
        ({"model": "churn"}, False),
        ({"environment": "staging"}, False),
    ],
)
def test_only_alerts_that_are_waited_for_fire(make_trigger, tell, wanted, fires):
    make_trigger(on="alert", filter=wanted)

    tell()

    assert Firing.objects.exists() is fires


def test_a_firing_is_on_the_ledger_with_its_cause(make_trigger, tell):
    trigger = make_trigger(on="alert")

    tell()

    event = AuditEvent.objects.get(action="trigger.fire")
    assert (event.target_type, event.target_id, event.actor_type) == ("trigger", str(trigger.uuid), "system")
    assert str(Firing.objects.get().uuid) in event.body
    assert "drift alert on fraud v7 in production" in event.body


def test_a_cause_that_comes_twice_fires_once(make_trigger, tell):
    """An announcement is a job, and a job may run again."""
    make_trigger(on="alert", cool_down_s=0)

    tell()
    tell()

    assert states() == ["pending"]


def test_an_alert_that_gets_worse_is_a_cause_of_its_own(make_trigger, tell):
    make_trigger(on="alert", cool_down_s=0)
    tell()
    tell("alert.updated", columns=["age"])
    assert states() == ["pending"]

    tell("alert.updated", severity="critical")
    tell("alert.updated", severity="warn")

    assert states() == ["pending", "pending"]


def test_the_cool_down_holds_back_and_says_so(make_trigger, tell, later):
    trigger = make_trigger(on="alert", cool_down_s=600)
    tell(alert_id="a-1")
    later(599)
    tell(alert_id="a-2")
    later(2)
    tell(alert_id="a-3")

    assert states() == ["pending", "suppressed", "pending"]
    held = Firing.objects.get(state="suppressed")
    assert held.detail.startswith("It is cooling down until ")
    assert Trigger.objects.get(pk=trigger.pk).last_fired_at == Firing.objects.latest("id").fired_at
    assert AuditEvent.objects.filter(action="trigger.fire").count() == 2


def test_what_was_held_back_is_not_met_again(make_trigger, tell, later):
    make_trigger(on="alert", cool_down_s=600)
    tell(alert_id="a-1")
    tell(alert_id="a-2")
    later(10_000)

    tell(alert_id="a-2")

    assert states() == ["pending", "suppressed"]


def test_only_enabled_triggers_of_living_projects_fire(make_trigger, tell, carol, alice, project):
    off, gone, there = make_trigger("off", on="alert"), make_trigger("gone", on="alert"), make_trigger("on", on="alert")
    services.update_trigger(trigger=off, changes={"enabled": False}, actor=carol)
    services.delete_trigger(trigger=gone, actor=carol)
    tell(alert_id="a-1")
    assert list(Firing.objects.values_list("trigger", flat=True)) == [there.pk]

    accounts.update_project(project=project, archived=True, actor=alice)
    tell(alert_id="a-2")

    assert Firing.objects.count() == 1


def test_alerts_of_another_project_are_none_of_its_business(make_trigger, make_project, run_jobs):
    make_trigger(on="alert")
    with transaction.atomic():
        events.announce("alert.opened", project_id=make_project("elsewhere").id, **ALERT)

    run_jobs()

    assert not Firing.objects.exists()


def test_data_that_retraining_brought_does_not_retrain(make_trigger, project, bob, tell, run_jobs):
    """Else a trigger with a short cool-down would go round for ever."""
    trigger = make_trigger(cool_down_s=0)
    register_version(project=project, use=data("a"), actor=bob)
    run_jobs()
    firing = Firing.objects.get()
    retraining, _ = create_run(project=project, experiment="churn", actor=bob, caused_by=firing.uuid)
    other, _ = create_run(project=project, experiment="churn", actor=bob)

    record_datasets(run=retraining, uses=[data("b")], direction=Direction.INPUT)
    record_datasets(run=other, uses=[data("c")], direction=Direction.INPUT)
    run_jobs()

    assert states() == ["pending", "suppressed", "pending"]
    assert Firing.objects.get(state="suppressed").detail == "It was brought by a run that this trigger started."
    assert Firing.objects.filter(trigger=trigger).count() == 3


def test_a_trial_fires_whatever_else_is_so(make_trigger, carol, tell):
    trigger = make_trigger(on="alert", enabled=False, cool_down_s=10_000)

    services.fire_for_trial(trigger=trigger, actor=carol)
    services.fire_for_trial(trigger=trigger, actor=carol)

    assert states() == ["pending", "pending"]
    assert Trigger.objects.get().last_fired_at is None, "a trial does not start the cool-down"


@pytest.fixture
def nightly(make_trigger):
    """Due each night at three."""
    trigger = make_trigger("nightly", on="calendar", cool_down_s=0)
    trigger.refresh_from_db()
    return trigger


def tick(run_jobs):
    """What the beat does, and then the workers."""
    with transaction.atomic():
        jobs.enqueue("monitoring.fire_calendars")
    run_jobs()


def test_a_calendar_fires_when_it_is_due_and_not_before(nightly, later, run_jobs):
    tick(run_jobs)
    assert states() == []

    due = nightly.next_at
    later((due - clock.now()).total_seconds() + 1)
    tick(run_jobs)
    tick(run_jobs)

    firing = Firing.objects.get()
    assert firing.cause_id == clock.text(due)
    assert firing.cause_label == f"calendar 0 3 * * * (UTC), due {clock.text(due)[:16]}Z"
    nightly.refresh_from_db()
    assert (nightly.next_at - due).days == 1


def test_after_a_standstill_a_calendar_catches_up_once(nightly, later, run_jobs):
    """A week of missed nights is one night's work, and never a burst of seven."""
    later(7 * 24 * 3_600)

    tick(run_jobs)
    tick(run_jobs)

    assert states() == ["pending"]
    nightly.refresh_from_db()
    assert nightly.next_at > clock.now()


def test_a_calendar_that_was_switched_off_meanwhile_stays_still(nightly, later, run_jobs, carol):
    later(2 * 24 * 3_600)
    services.update_trigger(trigger=nightly, changes={"enabled": False}, actor=carol)

    tick(run_jobs)

    assert states() == []


def test_a_calendar_obeys_the_cool_down(make_trigger, later, run_jobs):
    make_trigger("often", on="calendar", filter={"cron": "*/5 * * * *"}, cool_down_s=600)
    for _ in range(4):
        later(300)
        tick(run_jobs)

    assert states() == ["pending", "suppressed", "pending", "suppressed"]


def test_the_cause_and_its_job_commit_together(make_trigger, project):
    """Whatever happens after the commit of the alert, the firing will come; without it, it will not."""
    make_trigger(on="alert")
    before = Job.objects.count()
    with transaction.atomic():
        events.announce("alert.opened", project_id=project.id, **ALERT)
        transaction.set_rollback(True)
    assert Job.objects.count() == before

    with transaction.atomic():
        events.announce("alert.opened", project_id=project.id, **ALERT)

    assert Job.objects.filter(name="monitoring.fire_for_alert", done_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_alerts_at_once_fire_once(make_trigger, project):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time")
    make_trigger(on="alert", cool_down_s=600)

    def meet(number):
        cause = alert_cause(ALERT | {"alert_id": f"a-{number}"})
        return lambda: fire_matching(project_id=project.id, cause=cause)[0].state

    outcomes = at_once(*[meet(number) for number in range(5)])

    assert sorted(outcomes) == ["pending"] + ["suppressed"] * 4
    assert sorted(states()) == sorted(outcomes)


@pytest.mark.django_db(transaction=True)
def test_one_cause_met_by_two_workers_at_once_fires_once(make_trigger, project):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time")
    make_trigger(cool_down_s=0)
    cause = dataset_cause({"version": "ab" * 16, "dataset": "train"})

    outcomes = at_once(*[lambda: fire_matching(project_id=project.id, cause=cause)[0].pk for _ in range(4)])

    assert len(set(outcomes)) == 1
    assert states() == ["pending"]
