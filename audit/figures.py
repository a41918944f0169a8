"""What `/metrics` says of the ledger: how long it is, how far the sequencer is behind, and how well it is anchored and checked."""

from collections.abc import Iterator

from prometheus_client import Metric

from audit import anchors
from audit.models import Anchor, AuditCheckpoint, AuditPending, Verification
from audit.verifiers import registered
from core import clock, scrape

MOST_PENDING = 100_000  # counted no further: by then the figure has said what it has to say


def ledger() -> Iterator[Metric]:
    """Each figure is the end of an index."""
    last = AuditCheckpoint.objects.order_by("-size").only("size", "created_at").first()
    size = last.size if last else 0
    pending = AuditPending.objects.all()[:MOST_PENDING].count()
    yield scrape.total("lineal_ledger_events_total", "Events on record, numbered or not.", rows=[([], size + pending)])
    yield scrape.gauge(
        "lineal_ledger_size_events", "Events that have their place in the signed log.", rows=[([], size)]
    )
    yield scrape.gauge("lineal_ledger_lag_events", "Events that wait for the sequencer.", rows=[([], pending)])
    oldest = AuditPending.objects.order_by("event_id").values_list("event__at", flat=True).first()
    lag_s = clock.age_s(oldest)
    yield scrape.gauge("lineal_ledger_lag_seconds", "How long the oldest of them has waited.", rows=[([], lag_s)])
    age_s = clock.age_s(last.created_at if last else None)
    yield scrape.gauge("lineal_ledger_checkpoint_age_seconds", "Age of the newest signed head.", rows=[([], age_s)])
    yield from _anchors(size)
    yield from _verifications()


def _anchors(size: int) -> Iterator[Metric]:
    good, behind, succeeded = [], [], []
    for place in anchors.places():
        of_kind = Anchor.objects.filter(kind=place.kind)
        newest = of_kind.filter(outcome=Anchor.Outcome.OK).order_by("-checkpoint_id").first()
        good += [([place.kind], clock.age_s(newest.at))] if newest else []
        behind.append(([place.kind], size - (newest.checkpoint_id if newest else 0)))
        latest = of_kind.order_by("-pk").first()
        succeeded += [([place.kind], float(latest.outcome == Anchor.Outcome.OK))] if latest else []
    yield scrape.gauge("lineal_ledger_anchor_age_seconds", "Age of the newest good anchor.", ["anchor"], good)
    yield scrape.gauge(
        "lineal_ledger_anchor_lag_events", "Events in the log that it does not cover.", ["anchor"], behind
    )
    yield scrape.gauge("lineal_ledger_anchor_success", "Whether the last attempt went well.", ["anchor"], succeeded)


def _verifications() -> Iterator[Metric]:
    succeeded, ages = [], []
    for subject in ["ledger", *registered()]:
        last = Verification.objects.filter(subject=subject).order_by("-id").only("outcome", "ended_at").first()
        if last is not None:
            succeeded.append(([subject], float(last.outcome == Verification.Outcome.OK)))
            ages.append(([subject], clock.age_s(last.ended_at)))
    words = "Whether the last check found everything as it was recorded."
    yield scrape.gauge("lineal_ledger_verification_success", words, ["subject"], succeeded)
    yield scrape.gauge("lineal_ledger_verification_age_seconds", "How long ago that was.", ["subject"], ages)


scrape.register("ledger", ledger)
