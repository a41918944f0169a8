"""What `/metrics` says of promotions and deployments. Environments are named where the name is one of those that every project
begins with; what a team has named itself counts as `other`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min
from prometheus_client import Metric

from core import clock, scrape
from registry.counts import OTHER
from registry.models import Deployment, Environment, Promotion
from registry.services.environments import FIRST_ENVIRONMENTS

KNOWN = frozenset(name for name, _, _ in FIRST_ENVIRONMENTS)


def promotions() -> Iterator[Metric]:
    """Four queries, each answered from an index alone."""
    names = {pk: _shown(name) for pk, name in Environment.objects.values_list("pk", "name")}
    by_outcome: Counter[tuple[str, str]] = Counter()
    for environment, outcome, count in _count_by(Promotion.objects.all(), "environment_id", "decision"):
        by_outcome[names.get(environment, OTHER), outcome] += count
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
    age = (clock.now() - oldest).total_seconds() if oldest else 0.0
    yield scrape.gauge(
        "lineal_promotions_oldest_waiting_age_seconds", "How long the first has waited.", rows=[([], age)]
    )
    live: Counter[str] = Counter(dict.fromkeys((*KNOWN, OTHER), 0))
    for environment, count in _count_by(Deployment.objects.filter(ended_at=None), "environment_id"):
        live[names.get(environment, OTHER)] += count
    yield scrape.gauge(
        "lineal_deployments_live",
        "Deployments that are reported to serve.",
        ["environment"],
        [([environment], count) for environment, count in sorted(live.items())],
    )


def _count_by(rows: Any, *columns: str) -> Any:
    return rows.values_list(*columns).order_by(*columns).annotate(Count("pk"))


def _shown(name: str) -> str:
    return name if name in KNOWN else OTHER


scrape.register("promotions", promotions)
