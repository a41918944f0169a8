"""What `/metrics` says of messages: how many wait, how many were lost lately, and which kinds of places fail."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from prometheus_client import Metric

from core import clock, scrape
from notify.models import Delivery, Subscription

LATELY = timedelta(days=1)
LOST = (Delivery.State.FAILED, Delivery.State.DEAD)


def deliveries() -> Iterator[Metric]:
    """Three queries: two on the index of when deliveries ended, one over the subscriptions."""
    now, waiting = clock.now(), Delivery.objects.filter(ended_at=None)
    found = waiting.aggregate(count=Count("pk"), oldest=Min("created_at"))
    yield scrape.gauge("lineal_deliveries_waiting", "Messages on their way.", rows=[([], found["count"])])
    age_s = clock.age_s(found["oldest"])
    yield scrape.gauge(
        "lineal_deliveries_oldest_waiting_age_seconds", "How long the first has waited.", rows=[([], age_s)]
    )
    lost = Delivery.objects.filter(ended_at__gte=now - LATELY, state__in=LOST)
    counts = dict.fromkeys(LOST, 0) | dict(lost.values_list("state").order_by("state").annotate(Count("pk")))
    yield scrape.gauge(
        "lineal_deliveries_lost",
        "Messages of the last 24 hours that were refused (failed) or given up (dead).",
        ["state"],
        [([str(state)], count) for state, count in counts.items()],
    )
    failing = Subscription.objects.filter(enabled=True, failing_since__isnull=False)
    by_kind = dict.fromkeys(Subscription.Kind.values, 0)
    by_kind |= dict(failing.values_list("kind").order_by("kind").annotate(Count("pk")))
    yield scrape.gauge(
        "lineal_subscriptions_failing",
        "Subscriptions whose last message was not taken.",
        ["kind"],
        [([kind], count) for kind, count in by_kind.items()],
    )


scrape.register("deliveries", deliveries)
