"""How the ledger stands: how much it holds, what is signed, what has left the building, and what the last checks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from audit.models import Anchor, AuditCheckpoint, AuditLeaf, AuditPending, Verification
from audit.notes import fingerprint
from audit.services import vkey

SHOWN_CHECKPOINTS = 10
SHOWN_VERIFICATIONS = 10


@dataclass(frozen=True, slots=True)
class AnchorState:
    """Up to which size of the log a copy of a checkpoint lies elsewhere, and since when."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LedgerState:
    """`events` counts all that is recorded; `waiting` of them have no number yet."""

    events: int
    waiting: int
    checkpoint: AuditCheckpoint | None
    anchor: AnchorState | None
    verification: Verification | None
    vkey: str
    fingerprint: str


def state() -> LedgerState:
    """Five small queries: the log is gap-free, so its length is its last number and not a count."""
    last = AuditLeaf.objects.aggregate(Max("seq"))["seq__max"]
    waiting = AuditPending.objects.count()
    key = vkey()
    return LedgerState(
        events=(0 if last is None else last + 1) + waiting,
        waiting=waiting,
        checkpoint=AuditCheckpoint.objects.order_by("-size").first(),
        anchor=_anchor(),
        verification=Verification.objects.order_by("-id").first(),
        vkey=key,
        fingerprint=fingerprint(key) if key else "",
    )


def _anchor() -> AnchorState | None:
    anchors = Anchor.objects.filter(outcome=Anchor.Outcome.OK)
    latest = anchors.order_by("-checkpoint_id", "-id").first()
    return AnchorState(latest.checkpoint_id, latest.at) if latest else None


def checkpoints() -> Sequence[AuditCheckpoint]:
    """The newest few."""
    return list(AuditCheckpoint.objects.order_by("-size")[:SHOWN_CHECKPOINTS])


def verifications() -> Sequence[Verification]:
    """The newest few."""
    return list(Verification.objects.order_by("-id")[:SHOWN_VERIFICATIONS])
