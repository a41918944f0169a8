"""The page on notifications is true: its table is what can be subscribed to, its message what is sent, and its receiver runs."""

import json
import re
import subprocess
import sys

import pytest

from notify.models import Delivery
from notify.services import sending
from notify.topics import TOPICS
from tests.monitoring.test_documentation import DOCS, blocks, wait_for_port
from tests.server import free_port
from tests.web import story

PAGE = "notifications.md"


def test_the_table_of_events_is_what_can_be_subscribed_to():
    text = (DOCS / PAGE).read_text()

    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)

    assert [(name, sentence) for name, _, sentence in rows] == [
        (name, topic.sentence) for name, topic in TOPICS.items()
    ]
    for name, severity, _ in rows:
        assert severity.startswith("as the alert" if name.startswith("alert.") else TOPICS[name].severity), name


def test_the_numbers_are_those_of_the_code():
    text = " ".join((DOCS / PAGE).read_text().split())

    assert (sending.MOST_ATTEMPTS, sending.GIVE_UP_AFTER.days, sending.FIRST_WAIT_S) == (12, 3, 10)
    assert "twelve times within three days, ten seconds after the first try" in text
    assert (sending.LONGEST_WAIT_S, sending.LONGEST_PAUSE_S, sending.DISABLE_AFTER.days) == (12 * 3600, 15 * 60, 5)
    assert "twelve hours at most" in text
    assert "a quarter of an hour at most" in text
    assert "five days without one success" in text
    assert sending.KEEP.days == 30
    assert "thirty days after their end" in text


@pytest.mark.django_db
def test_the_message_is_the_one_that_is_shown(make_subscription, project, alice, bob, run_jobs, monkeypatch):
    (shown,) = (json.loads(block) for block in blocks(PAGE, "json"))
    monkeypatch.setattr("notify.services.sending.deliver", lambda **_: None)
    make_subscription(events=["promotion.waiting"])
    story.want_approval(project, alice)
    story.tell(project, bob)
    run_jobs()

    from notify.senders.webhook import document

    told = document(sending.message_of(Delivery.objects.get()))

    assert list(told) == list(shown)
    assert list(told["data"]) == list(shown["data"])
    assert set(told["data"]["facts"]) == set(shown["data"]["facts"])
    assert told["data"]["title"] == shown["data"]["title"].replace("v7", "v1")


@pytest.mark.django_db
def test_the_receiver_of_the_page_takes_a_message_once(make_subscription, tell, run_jobs, settings, tmp_path):
    """Over the network, checked by a program that shares nothing with the server; sent twice, taken once."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    port = free_port()
    subscription = make_subscription(target=f"http://127.0.0.1:{port}/")
    forger = make_subscription(name="forger", target=f"http://127.0.0.1:{port}/")
    (program,) = blocks(PAGE, "python")
    (tmp_path / "receiver.py").write_text(program)
    receiver = subprocess.Popen(
        [sys.executable, "receiver.py", str(port)],
        cwd=tmp_path,
        env={"LINEAL_WEBHOOK_SECRET": subscription.secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for_port(port)
        tell()
        run_jobs()
        Delivery.objects.filter(subscription=subscription).update(state="pending")  # as if the answer had been lost
        sending.deliver(delivery_id=Delivery.objects.get(subscription=subscription).pk)
    finally:
        receiver.terminate()
        said, _ = receiver.communicate(timeout=10)

    taken, refused = Delivery.objects.get(subscription=subscription), Delivery.objects.get(subscription=forger)
    assert (taken.state, taken.attempts, taken.tries.count()) == ("delivered", 2, 2)
    assert (refused.state, refused.tries.get().status) == ("failed", 401)
    assert said == "alert.opened drift alert on fraud v7 in production\n"


def test_the_commands_of_the_page_are_ones_that_there_are():
    from lineal.cli.webhooks import webhooks

    named = re.findall(r"lineal webhooks ([a-z]+)", (DOCS / PAGE).read_text())

    assert len(named) > 5
    assert set(named) <= set(webhooks.commands)
