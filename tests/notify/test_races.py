"""Several at once: publishers of one fact, and workers with one delivery."""

import pytest
from django.db import connection, transaction

from notify import services
from notify.models import Attempt, Delivery
from notify.services import sending
from tests.registry.test_races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("reachable", "_many_writers")]


@pytest.fixture
def _many_writers():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time")


def test_one_fact_told_by_several_at_once_is_one_message_each(make_subscription, project, run_jobs, webhook, slack):
    make_subscription(webhook)
    make_subscription(slack, kind="slack", name="channel")

    def publish():
        with transaction.atomic():
            return services.publish(
                project=project, event="alert.opened", severity="warn", title="x", text="", url="", payload={}, key="a-1"
            )  # fmt: skip

    told = at_once(*[publish] * 5)
    run_jobs()

    assert sum(told) == 2, told
    assert (len(webhook.taken), len(slack.taken)) == (1, 1)


def test_one_delivery_met_by_several_workers_at_once_is_sent_once(make_subscription, tell, webhook):
    make_subscription(webhook)
    (delivery,) = tell()

    outcomes = at_once(*[lambda: sending.deliver(delivery_id=delivery.pk)] * 4)

    assert outcomes == [None] * 4
    assert (len(webhook.taken), Attempt.objects.count()) == (1, 1)
    assert Delivery.objects.get().state == "delivered"


def test_a_replay_and_a_worker_at_once_lose_nothing(make_subscription, tell, webhook, carol, later):
    from core import jobs

    subscription = make_subscription(webhook)
    (delivery,) = tell()
    acts = [
        lambda: sending.deliver(delivery_id=delivery.pk),
        lambda: services.replay_delivery(delivery=delivery, actor=carol) and None,
        lambda: (
            services.update_subscription(subscription=subscription, changes={"events": ["alert.*"]}, actor=carol)
            and None
        ),
    ]

    assert at_once(*acts) == [None] * 3
    later(sending.CLAIM.total_seconds() + 1)
    jobs.run_pending()

    assert Delivery.objects.get().state == "delivered"
    assert {message_id for message_id, _ in webhook.taken} == {str(delivery.uuid)}
