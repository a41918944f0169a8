"""How the ledger stands: how much it holds, what is signed, what has left the building, and what the last checks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.models import AuditCheckpoint, Verification
from audit.selectors import ledger_state
from audit.services import vkey


@dataclass(frozen=True, slots=True)
class AnchorState:
    """Up to which size of the log a copy of a checkpoint lies elsewhere, and since when."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """`events` counts all that is recorded; `waiting` of them have no number yet."""

    events: int
    waiting: int
    checkpoint: AuditCheckpoint | None
    anchor: AnchorState | None
    verifications: Sequence[Verification]
    vkey: str

    @property
    def verification(self) -> Verification | None:
        return self.verifications[0] if self.verifications else None


def state() -> Ledger:
    found, key = ledger_state(), vkey()
    anchor = found.anchor
    return Ledger(
        events=found.events,
        waiting=found.events - found.sequenced,
        checkpoint=found.checkpoint,
        anchor=AnchorState(anchor.checkpoint_id, anchor.at) if anchor else None,
        verifications=found.verifications,
        vkey=key,
    )
