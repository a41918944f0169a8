"""What people send by hand: a message that came already, or was lost, once more; and one that says nothing but that it works."""

from django.db import transaction

from core import clock, jobs
from core.access import Principal
from core.ids import uuid7
from notify.errors import DeliveryMissing, SubscriptionDisabled
from notify.models import Delivery, Subscription
from notify.services.publishing import new_delivery
from notify.services.subscriptions import lock_subscription, record_act
from notify.topics import SEVERITIES, TEST


@transaction.atomic
def replay_delivery(*, delivery: Delivery, actor: Principal) -> Delivery:
    """Send it again under its own id, whatever came of it; one that still waits is tried now.

    Raises:
        SubscriptionDisabled: its subscription has to be enabled first.
        SubscriptionMissing, DeliveryMissing: it is gone.
    """
    subscription = lock_subscription(delivery.subscription_id)
    if not subscription.enabled and delivery.event != TEST:
        raise SubscriptionDisabled(f"The subscription '{subscription.name}' is disabled; enable it first.")
    found = Delivery.objects.select_for_update(of=("self",)).filter(pk=delivery.pk).first()
    if found is None:
        raise DeliveryMissing("This delivery is gone.")
    now, before = clock.now(), found.state
    found.subscription = subscription
    found.state, found.detail, found.attempts = Delivery.State.PENDING, "", 0
    found.since, found.next_at, found.ended_at = now, now, None
    found.save(update_fields=["state", "detail", "attempts", "since", "next_at", "ended_at"])
    jobs.enqueue("notify.deliver", delivery_id=found.pk, at_once=True)
    evidence = {"delivery": str(found.uuid), "event": found.event}
    record_act(subscription, "delivery.replay", actor, before={"state": before}, after=evidence)
    return found


@transaction.atomic
def send_test(*, subscription: Subscription, actor: Principal) -> Delivery:
    """A test message, whether or not it is enabled. Raises SubscriptionMissing."""
    subscription = lock_subscription(subscription.pk)
    delivery = new_delivery(
        subscription,
        event=TEST,
        severity=SEVERITIES[0],
        title=f"Test of the subscription {subscription.name}",
        text=f"Sent by {actor.name} to see that it works. Nothing has happened.",
        url=f"/projects/{subscription.project.name}/notifications/{subscription.uuid}",
        payload={"by": actor.name},
        key=f"{TEST}:{uuid7()}",
    )
    delivery.save()
    jobs.enqueue("notify.deliver", delivery_id=delivery.pk, at_once=True)
    record_act(subscription, "subscription.test", actor, after={"delivery": str(delivery.uuid)})
    return delivery
