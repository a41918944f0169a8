"""What `/metrics` says of alerts that are not closed."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from django.db.models import Count
from prometheus_client import Metric

from core import scrape
from monitoring.models import Alert, Monitor


def alerts() -> Iterator[Metric]:
    """One query, over the index of alerts that are not closed. Zeroes stand there too, so that a rule can tell them from silence."""
    found = Counter(dict.fromkeys(product(Alert.Kind.values, Monitor.Severity.values, _OPEN), 0))
    rows = Alert.objects.exclude(state=Alert.State.CLOSED).values_list("kind", "severity", "state")
    for kind, severity, state, count in rows.order_by("kind").annotate(Count("pk")):
        found[kind, severity, state] += count
    yield scrape.gauge(
        "lineal_alerts_open",
        "Alerts about versions in production: open, or acknowledged by somebody.",
        ["kind", "severity", "state"],
        [(list(labels), count) for labels, count in found.items()],
    )


_OPEN = (Alert.State.OPEN.value, Alert.State.ACKNOWLEDGED.value)

scrape.register("alerts", alerts)
