"""What `/metrics` says of promotions and deployments. Environments are named where the name is one of those that every project
begins with; what a team has named itself counts as `other`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import Case, Count, F, Min, Value, When
from prometheus_client import Metric

from core import clock, scrape
from registry.counts import OTHER
from registry.models import Deployment, Promotion
from registry.services.environments import FIRST_ENVIRONMENTS

KNOWN = frozenset(name for name, _, _ in FIRST_ENVIRONMENTS)
SHOWN = Case(When(environment__name__in=sorted(KNOWN), then=F("environment__name")), default=Value(OTHER))


def promotions() -> Iterator[Metric]:
    """Three queries; none has more rows than there are labels, however many projects there are."""
    by_outcome: Counter[tuple[str, str]] = Counter()
    for environment, outcome, count in _count_by(Promotion.objects.all(), "decision"):
        by_outcome[environment, outcome] += count
    waiting = {key: count for (key, outcome), count in by_outcome.items() if outcome == Promotion.Decision.WAITING}
    ended = [
        ([environment, outcome], float(count))
        for (environment, outcome), count in sorted(by_outcome.items())
        if outcome != Promotion.Decision.WAITING
    ]
    yield scrape.total(
        "lineal_promotions_total", "Promotions and rollbacks that were decided.", ["environment", "outcome"], ended
    )
    yield scrape.gauge(
        "lineal_promotions_waiting",
        "Promotions that wait for people.",
        ["environment"],
        [([environment], waiting.get(environment, 0)) for environment in sorted({*KNOWN, OTHER})],
    )
    oldest = Promotion.objects.filter(decision=Promotion.Decision.WAITING).aggregate(at=Min("requested_at"))["at"]
    age_s = clock.age_s(oldest)
    yield scrape.gauge(
        "lineal_promotions_oldest_waiting_age_seconds", "How long the first has waited.", rows=[([], age_s)]
    )
    live: Counter[str] = Counter(dict.fromkeys((*KNOWN, OTHER), 0))
    for environment, count in _count_by(Deployment.objects.filter(ended_at=None)):
        live[environment] += count
    yield scrape.gauge(
        "lineal_deployments_live",
        "Deployments that are reported to serve.",
        ["environment"],
        [([environment], count) for environment, count in sorted(live.items())],
    )


def _count_by(rows: Any, *columns: str) -> Any:
    """Rows of the environment's name where it is one that every project begins with, `columns`, and how many."""
    counted = rows.annotate(shown=SHOWN).values("shown", *columns).order_by("shown", *columns)
    return counted.annotate(count=Count("pk")).values_list("shown", *columns, "count")


scrape.register("promotions", promotions)
