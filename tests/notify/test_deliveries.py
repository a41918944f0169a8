"""Deliveries: once per key, again where it may help, given up where it does not, and never lost in between."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.db import transaction

from audit.models import AuditEvent
from core import clock
from core.models import Job
from notify import services
from notify.models import Attempt, Delivery, Subscription
from notify.services import sending
from tests.monitoring.receivers import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reachable")]

DAY_S = 24 * 3_600


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 2)


def one():
    return Delivery.objects.get()


def test_a_message_is_signed_as_the_standard_has_it(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    tell()

    work()

    delivery = one()
    ((message_id, document),) = webhook.taken
    assert message_id == str(delivery.uuid)
    assert document == {
        "type": "alert.opened",
        "timestamp": clock.text(delivery.created_at),
        "data": {
            "project": "default",
            "severity": "warn",
            "title": "drift alert on fraud v7 in production",
            "text": "Columns: amount",
            "url": "https://lineal.example.org/projects/default/alerts/a-1",
            "facts": {"model": "fraud", "number": 7},
        },
    }
    assert (delivery.state, delivery.attempts, delivery.next_at) == ("delivered", 1, None)
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.answer, attempt.error) == (202, '{"ok": true}', "")
    assert attempt.duration_ms is not None


def test_what_has_the_same_key_is_told_once(make_subscription, tell, work, webhook):
    """An announcement is a job, and a job may run again; an alert that is updated every minute is no storm."""
    make_subscription(webhook)
    for _ in range(3):
        tell(key="a-1")
    tell("alert.closed", key="a-1")
    tell(key="a-2")

    work()

    assert [document["type"] for _, document in webhook.taken] == ["alert.opened", "alert.closed", "alert.opened"]
    assert Delivery.objects.count() == 3


def test_a_key_of_any_length_is_a_key(make_subscription, tell):
    make_subscription()

    assert len(tell(key="x" * 500)) == 1
    assert tell(key="x" * 500) == []
    assert len(tell(key="x" * 499)) == 1


def test_nothing_is_told_of_what_did_not_happen(make_subscription, tell):
    make_subscription()

    with transaction.atomic():
        tell()
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()
    assert not Job.objects.filter(name="notify.deliver").exists()


@pytest.mark.parametrize(
    ("wish", "is_told"),
    [
        ({}, True),
        ({"events": ["alert.*"]}, True),
        ({"events": ["promotion.*", "alert.opened"]}, True),
        ({"events": ["promotion.*"]}, False),
        ({"events": ["alert.closed"]}, False),
        ({"least_severity": "warn"}, True),
        ({"least_severity": "critical"}, False),
        ({"enabled": False}, False),
    ],
    ids=str,
)
def test_a_subscription_is_told_of_what_it_asks_for(make_subscription, tell, wish, is_told):
    make_subscription(**wish)

    assert bool(tell(severity="warn")) is is_told


def test_other_projects_are_not_told(make_subscription, make_project):
    make_subscription()

    with transaction.atomic():
        told = services.publish(
            project=make_project("elsewhere"), event="alert.opened", severity="critical", title="x", text="", url="",
            payload={}, key="a-1",
        )  # fmt: skip

    assert told == 0


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_receiver_in_trouble_is_tried_again_later(make_subscription, tell, work, webhook, status):
    make_subscription(webhook)
    webhook.answers = [status]
    tell()
    work()
    assert (one().state, one().detail) == ("pending", f"The answer was {status}.")

    work(8)
    assert len(webhook.requests) == 1, "not yet"
    work(3)

    assert one().state == "delivered"
    assert len({headers["webhook-id"] for _, headers, _ in webhook.requests}) == 1
    assert list(Attempt.objects.order_by("id").values_list("status", flat=True)) == [status, 202]
    assert Subscription.objects.get().failing_since is None


def test_nobody_there_is_a_reason_to_try_again(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    webhook.close()
    tell()

    work()

    assert one().state == "pending"
    assert "ConnectionRefusedError" in one().detail
    assert Attempt.objects.get().status is None


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 422])
def test_a_refusal_is_final_at_once(make_subscription, tell, work, webhook, status):
    make_subscription(webhook)
    webhook.answers = [status]
    tell()

    work()
    work(DAY_S)

    assert (one().state, one().attempts) == ("failed", 1)
    assert one().detail == f"The answer was {status}. Another try would not change that."
    assert len(webhook.requests) == 1
    assert Subscription.objects.get().enabled


def test_a_receiver_that_is_gone_ends_the_subscription(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    webhook.answers = [410]
    tell()
    tell(key="a-2")

    work()

    subscription = Subscription.objects.get()
    assert not subscription.enabled
    assert "410" in subscription.disabled_because
    assert sorted(Delivery.objects.values_list("state", "detail")) == [
        ("failed", "The answer was 410. Another try would not change that."),
        ("failed", "The subscription was disabled before it was sent."),
    ]
    event = AuditEvent.objects.get(action="subscription.disable")
    assert (event.target_id, event.actor_type, event.outcome) == (str(subscription.uuid), "system", "error")


class Busy(Receiver):
    """Says when it can be asked again."""

    retry_after = "120"

    def take(self, path, headers, body):
        return 200, {}

    def _handler(self):
        handler, receiver = super()._handler(), self

        class Asking(handler):
            def send_response(self, code, message=None):
                super().send_response(code, message)
                if code == 429:
                    self.send_header("retry-after", receiver.retry_after)

        return Asking


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_receiver_says_when_to_come_again(make_subscription, tell, work, form):
    receiver = Busy()
    try:
        make_subscription(receiver)
        receiver.answers = [429]
        if form == "date":
            receiver.retry_after = format_datetime(clock.now() + timedelta(seconds=120), usegmt=True)
        tell()
        work()
        work(110)
        assert len(receiver.requests) == 1
        work(20)
        assert one().state == "delivered"
    finally:
        receiver.close()


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "١٢", "99999999999999999999"])
def test_nonsense_after_retry_after_is_no_reason_to_stop(make_subscription, tell, work, nonsense):
    receiver = Busy()
    try:
        make_subscription(receiver)
        receiver.answers, receiver.retry_after = [429], nonsense
        tell()
        work()
        work(DAY_S + 60)
        assert one().state == "delivered"
    finally:
        receiver.close()


def test_a_message_that_nobody_takes_is_given_up_within_three_days(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    webhook.answers = [500] * 99
    tell()
    begun = clock.now()

    while one().state == "pending":
        work(max(0.0, (one().next_at - clock.now()).total_seconds()) + 1)

    delivery = one()
    assert (delivery.state, delivery.attempts) == ("dead", sending.MOST_ATTEMPTS)
    assert delivery.detail == "Given up after 12 attempts. The answer was 500."
    assert timedelta(days=2) < clock.now() - begun < timedelta(days=3)
    assert Subscription.objects.get().enabled, "one lost message is no reason"


def test_a_subscription_that_takes_nothing_for_days_is_disabled(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    webhook.answers = [404] * 9
    tell()
    work()
    tell(key="a-2")
    work(5 * DAY_S - 60)
    assert Subscription.objects.get().enabled

    tell(key="a-3")
    work(120)

    subscription = Subscription.objects.get()
    assert not subscription.enabled
    assert subscription.disabled_because.startswith("Nothing was taken since 20")
    assert AuditEvent.objects.filter(action="subscription.disable").count() == 1


def test_one_success_ends_the_count_of_days(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    for after_s, answers in [(0, [404]), (4 * DAY_S, []), (2 * DAY_S, [404])]:
        work(after_s)
        webhook.answers = answers
        tell(key=f"after {after_s}")
        work()

    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["failed", "delivered", "failed"]
    assert Subscription.objects.get().enabled


def test_a_receiver_that_fails_is_left_alone_whatever_else_waits_for_it(make_subscription, tell, work, webhook):
    """A receiver that hangs would otherwise hold up a worker for ten seconds with each of a thousand messages."""
    make_subscription(webhook)
    webhook.answers = [500]
    for number in range(20):
        tell(key=f"a-{number}")

    work()
    assert len(webhook.requests) == 1
    assert Delivery.objects.filter(state="pending", attempts=0).count() == 19
    work(20)

    assert Delivery.objects.filter(state="delivered").count() == 20


def test_a_worker_that_dies_after_sending_leaves_the_message_to_another(
    make_subscription, tell, work, webhook, monkeypatch
):
    """At least once, then; the id is the same, so that a receiver can tell."""
    make_subscription(webhook)
    (delivery,) = tell()
    settle = sending._settle
    monkeypatch.setattr(sending, "_settle", lambda *_, **__: (_ for _ in ()).throw(SystemExit("kill -9")))
    with pytest.raises(SystemExit):
        sending.deliver(delivery_id=delivery.pk)
    monkeypatch.setattr(sending, "_settle", settle)
    assert one().state == "pending"

    work(1)
    assert len(webhook.taken) == 1, "its claim has not run out"
    work(sending.CLAIM.total_seconds())

    assert [message_id for message_id, _ in webhook.taken] == [str(delivery.uuid)] * 2
    assert webhook.taken[0][1] == webhook.taken[1][1]
    assert (one().state, one().attempts) == ("delivered", 2)
    lost, made = Attempt.objects.order_by("id")
    assert (lost.duration_ms, lost.status) == (None, None)
    assert made.status == 202


def test_a_job_that_fails_is_not_the_end_of_a_message(make_subscription, tell, later, webhook, monkeypatch):
    """What a bug breaks is tried again like what a receiver breaks."""
    from core import jobs

    make_subscription(webhook)
    tell()
    settle = sending._settle
    monkeypatch.setattr(sending, "_settle", lambda *_, **__: 1 / 0)
    jobs.run_pending()
    monkeypatch.setattr(sending, "_settle", settle)
    for _ in range(4):
        later(60)
        jobs.run_pending()

    assert one().state == "delivered"
    assert not Job.objects.filter(done_at=None).exclude(name__startswith="core.").exists()


def test_two_workers_do_not_send_at_once(make_subscription, tell, webhook, monkeypatch):
    make_subscription(webhook)
    (delivery,) = tell()
    perform = sending._perform

    def meanwhile(of):
        sending.deliver(delivery_id=delivery.pk)
        return perform(of)

    monkeypatch.setattr(sending, "_perform", meanwhile)
    sending.deliver(delivery_id=delivery.pk)

    assert len(webhook.taken) == 1
    assert one().state == "delivered"


def test_a_try_that_ends_late_changes_nothing_that_was_decided(make_subscription, tell, webhook, monkeypatch):
    """The first worker hung, another took over and delivered; the first one's failure comes afterwards."""
    make_subscription(webhook)
    (delivery,) = tell()
    webhook.answers = [500]
    perform = sending._perform

    def slowly(of):
        outcome = perform(of)
        monkeypatch.setattr(sending, "_perform", perform)
        Delivery.objects.update(next_at=clock.now())
        sending.deliver(delivery_id=delivery.pk)
        return outcome

    monkeypatch.setattr(sending, "_perform", slowly)
    sending.deliver(delivery_id=delivery.pk)

    assert one().state == "delivered"
    assert list(Attempt.objects.order_by("id").values_list("status", flat=True)) == [500, 202]


def test_what_is_deleted_while_it_is_sent_is_let_go(make_subscription, tell, webhook, carol, monkeypatch):
    subscription = make_subscription(webhook)
    (delivery,) = tell()
    perform = sending._perform

    def meanwhile(of):
        services.delete_subscription(subscription=subscription, actor=carol)
        return perform(of)

    monkeypatch.setattr(sending, "_perform", meanwhile)
    sending.deliver(delivery_id=delivery.pk)
    sending.deliver(delivery_id=delivery.pk)

    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]/", "http://0.0.0.0/", "http://2130706433/",
        "http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/", "http://10.0.0.8/", "http://0x7f.1/",
        "http://[64:ff9b::7f00:1]/", "http://metadata.google.internal/",
    ],
)  # fmt: skip
def test_the_servers_own_network_is_not_called(make_subscription, tell, work, webhook, settings, target, monkeypatch):
    """A name server that lies is a private address like any other."""
    settings.OUTBOUND_ALLOW = []
    import socket

    real = socket.getaddrinfo
    lies = {"metadata.google.internal": "169.254.169.254"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real(lies.get(host, host), *rest, **more))
    port = webhook.address.rpartition(":")[2]
    make_subscription(target=target.format(port=port))
    tell()

    work()

    assert one().state == "failed"
    assert "LINEAL_OUTBOUND_ALLOW" in one().detail
    assert webhook.requests == []


def test_a_redirect_is_not_followed(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    webhook.answers = [302]
    tell()

    work()

    assert [path for path, _, _ in webhook.requests] == ["/hook"]
    assert one().state == "failed"


def test_a_secret_that_does_not_open_is_said(make_subscription, tell, work, webhook, home):
    make_subscription(webhook)
    (home / "keys" / "sealing.key").unlink()
    tell()

    work()

    assert one().state == "failed"
    assert "another key" in one().detail


def test_a_replay_is_the_same_message_again(make_subscription, tell, work, webhook, carol, recorded_actions):
    make_subscription(webhook)
    webhook.answers = [404]
    tell()
    work()
    assert one().state == "failed"

    services.replay_delivery(delivery=one(), actor=carol)
    work()

    assert (one().state, one().attempts) == ("delivered", 1)
    assert len({headers["webhook-id"] for _, headers, _ in webhook.requests}) == 1
    assert recorded_actions()[-1] == "delivery.replay"

    services.replay_delivery(delivery=one(), actor=carol)
    work()
    assert len(webhook.taken) == 2


def test_a_replay_does_not_wait(make_subscription, tell, work, webhook, carol):
    make_subscription(webhook)
    webhook.answers = [500]
    tell()
    work()

    services.replay_delivery(delivery=one(), actor=carol)
    work()

    assert one().state == "delivered"
    work(DAY_S)
    assert len(webhook.requests) == 2, "the try that waited finds nothing to do"


def test_a_message_that_waited_for_a_worker_for_days_is_still_sent(make_subscription, tell, work, webhook):
    """It was us who slept, and the receiver was never asked."""
    make_subscription(webhook)
    tell()

    work(4 * DAY_S)

    assert one().state == "delivered"


def test_old_deliveries_are_forgotten_and_open_ones_are_not(make_subscription, tell, work, webhook):
    make_subscription(webhook)
    tell()
    work()
    tell(key="a-2")
    Delivery.objects.filter(key="alert.opened:a-2").update(next_at=clock.now() + timedelta(days=60))

    work(29 * DAY_S)
    assert sending.forget_old() == 0
    work(2 * DAY_S)
    assert sending.forget_old() == 1

    assert list(Delivery.objects.values_list("key", "state")) == [("alert.opened:a-2", "pending")]
