"""A restored server sends nothing again and decides nothing again: what waits in the backup is held, and says why."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import transaction

from accounts.models import LoginLink, PageSession, Token
from audit.models import AuditEvent
from config.backups.aftermath import INWARD, revoke_all, settle
from config.backups.manifest import Absent
from core import clock, events, jobs
from core.models import Job
from monitoring.models import Firing, Trigger
from notify.models import Delivery
from tests.config.test_backup_files import make_manifest
from tracking.models import Blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def manifest():
    from audit.notes import Signer

    def make(**changes):
        return make_manifest(Signer.generate("log.example/audit/default"), **changes)

    return make


@pytest.fixture
def restore(manifest):
    """`restore()`: what follows the loading of a backup."""

    def run(**changes):
        return settle(manifest(**changes), given_up=[], by="root", reason="the disk died")

    return run


@pytest.fixture
def subscription(home, project, alice):
    from notify import services
    from notify.services.subscriptions import Wish

    wish = Wish(name="ops", kind="webhook", target="https://ops.example.org/hook")
    return services.create_subscription(project=project, wish=wish, actor=alice)[0]


@pytest.fixture
def make_trigger(home, project, alice):
    from monitoring import services
    from monitoring.services.triggers import Wish

    def make(**wish):
        defaults = {"name": "retrain", "action": "webhook", "address": "https://jobs.example.org/retrain"}
        return services.create_trigger(project=project, wish=Wish(**defaults | wish), actor=alice)[0]

    return make


def announce_promotion(project):
    """A fact that nobody has been told of yet: it stands in the outbox alone."""
    with transaction.atomic():
        events.announce(
            "alert.opened", project_id=project.id, alert_id="a-1", kind="drift", severity="warn", model="fraud",
            number=7, digest="sha256:" + "9f" * 32, environment="production", key="a-1", title="drift", text="",
        )  # fmt: skip


def waiting_jobs():
    return set(Job.objects.filter(done_at=None, failed_at=None).values_list("name", flat=True))


def test_a_message_that_waited_is_held_and_can_be_replayed(subscription, project, alice, restore):
    from notify import services

    services.send_test(subscription=subscription, actor=alice)

    settled = restore()

    delivery = Delivery.objects.get()
    assert settled.deliveries == 1
    assert (delivery.state, delivery.next_at) == ("failed", None)
    assert "may have happened since. Replay it if not." in delivery.detail
    assert "notify.deliver" not in waiting_jobs()
    services.replay_delivery(delivery=delivery, actor=alice)
    assert "notify.deliver" in waiting_jobs()


def test_a_fact_that_was_announced_becomes_a_message_that_is_held(subscription, project, restore):
    """Else nobody could see that it may not have been told, nor replay it."""
    announce_promotion(project)
    assert not Delivery.objects.exists()

    restore()

    assert Delivery.objects.get().state == "failed"
    assert not {name for name in waiting_jobs() if name.startswith("notify.")}


def test_a_fact_that_cannot_be_told_holds_up_no_other(subscription, project, restore):
    with transaction.atomic():
        jobs.enqueue("notify.publish.alert.opened", project_id=0)
    announce_promotion(project)

    restore()

    assert Delivery.objects.count() == 1
    assert Job.objects.get(name="notify.publish.alert.opened", failed_at__isnull=False).last_error


def test_a_job_elsewhere_that_was_about_to_start_is_not_started(make_trigger, alice, restore):
    from monitoring import services

    trigger = make_trigger(on="alert", filter={})
    services.fire_for_trial(trigger=trigger, actor=alice)

    settled = restore()

    assert settled.firings == 1
    assert Firing.objects.get().state == "failed"
    assert "Held by the restore" in Firing.objects.get().detail


def test_what_a_calendar_missed_is_not_caught_up(make_trigger, restore):
    trigger = make_trigger(on="calendar", filter={"cron": "0 3 * * *", "timezone": "UTC"})
    Trigger.objects.filter(pk=trigger.pk).update(next_at=clock.now() - timedelta(days=2))

    settled = restore()

    assert settled.calendars == 1
    assert Trigger.objects.get().next_at > clock.now()


def test_what_decides_or_reaches_out_is_held_and_what_looks_inward_is_done_again(restore):
    with transaction.atomic():
        for name in ("registry.advance_version", "registry.advance_slot", "monitoring.announce"):
            jobs.enqueue(name, version_id=1)
        jobs.enqueue("tracking.compact_run", run_id=1)
        jobs.enqueue("audit.verify_ledger")
    Job.objects.filter(name="tracking.compact_run").update(leased_until=clock.now() + timedelta(hours=1), attempts=1)

    settled = restore()

    assert settled.jobs == {"registry.advance_version": 1, "registry.advance_slot": 1, "monitoring.announce": 1}
    assert waiting_jobs() == {"tracking.compact_run", "audit.verify_ledger"}
    assert Job.objects.get(name="tracking.compact_run").leased_until is None, "its worker is gone"
    assert "Held by the restore" in Job.objects.get(name="registry.advance_slot").last_error


def test_a_job_of_a_later_release_is_held(restore):
    Job.objects.create(name="robots.drive", created_at=clock.now(), due_at=clock.now())

    assert restore().jobs == {"robots.drive": 1}


def test_every_beginning_names_a_job():
    names = jobs.names()
    unknown = [start for start in INWARD if not any(name.startswith(start) for name in names)]
    assert unknown == ["lineage."], "rooms without a job of their own may get one"


def test_objects_that_the_backup_lacked_are_known_to_be_missing(project, restore):
    digest = sha256(b"lost").hexdigest()
    Blob.objects.create(project=project, sha256=digest, size=4, state="verified")
    lost = Absent(project=project.uuid.hex, sha256=digest, reason="missing", expected=False)

    assert restore(absent=[lost]).absent_objects == 1
    assert Blob.objects.get().state == "missing"


def test_tokens_and_sign_ins_stay_unless_told_otherwise(home, alice, make_token, restore):
    make_token(alice)

    settled = restore()

    assert settled.tokens == 0
    assert Token.objects.filter(revoked_at=None).count() == 1


def test_tokens_and_sign_ins_end_when_asked(home, alice_account, alice, make_token, manifest, recorded_actions):
    from accounts import services
    from core.access import system_principal

    make_token(alice)
    _, secret = services.create_login_link(account=alice_account, actor=system_principal())
    services.exchange_login_link(secret=secret)

    assert revoke_all(manifest()) == (1, 1)

    assert not Token.objects.filter(revoked_at=None).exists()
    assert not PageSession.objects.exists()
    assert not LoginLink.objects.exists()
    assert recorded_actions()[-1] == "token.revoke"


def test_the_restore_is_on_the_ledger_with_its_place_and_reason(restore):
    restore()

    event = AuditEvent.objects.get(action="store.restore")
    assert '"position":3' in event.body
    assert '"backup":"2026-11-26T143000Z"' in event.body
    assert event.private.filter(path="/reason").get().value == '"the disk died"'
    assert event.private.filter(path="/after/by").exists(), "a person's name can be erased"
