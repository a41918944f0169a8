"""Jobs of the ledger: the two hourly checks, and anchoring every quarter of an hour and after each promotion."""

from django.db import transaction

from audit import anchors, verification
from audit.models import AuditPending
from core import events, jobs

HOUR_S = 3_600
ANCHOR_EVERY_S = 15 * 60
WAIT_FOR_SEQUENCER_S = 2


@jobs.job("audit.verify_ledger", lease_s=HOUR_S)
def verify_ledger() -> None:
    verification.verify_ledger()


@jobs.job("audit.verify_registered", lease_s=HOUR_S)
def verify_registered() -> None:
    verification.verify_registered()


@jobs.job("audit.anchor_latest")
def anchor_latest(**_: object) -> None:
    """Waits for events that are about to get their places, since one of them is why this runs."""
    if AuditPending.objects.exists():
        with transaction.atomic():
            jobs.enqueue("audit.anchor_latest", _dedupe="anchor", _delay_s=WAIT_FOR_SEQUENCER_S)
        return
    anchors.anchor_latest()


jobs.every(seconds=HOUR_S, name="audit.verify_ledger")
jobs.every(seconds=HOUR_S, name="audit.verify_registered")
jobs.every(seconds=ANCHOR_EVERY_S, name="audit.anchor_latest")
events.subscribe("promotion.committed", "audit.anchor_latest")
