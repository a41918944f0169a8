"""Proofs of the log for whoever asks: that it holds one event, and that it only ever grew between two signed heads."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit import selectors
from audit.models import AuditCheckpoint, AuditEvent
from audit.tiles import TileReader


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Leaf number `seq` under the signed head `checkpoint`; `path` holds raw hashes, lowest sibling first."""

    seq: int
    leaf_hash: bytes
    path: Sequence[bytes]
    checkpoint: AuditCheckpoint


@dataclass(frozen=True, slots=True)
class Consistency:
    """The log at `new` begins with all of what it held at `old`; `path` holds raw hashes, lowest first."""

    old: AuditCheckpoint
    new: AuditCheckpoint
    path: Sequence[bytes]


def inclusion_of(event: AuditEvent) -> Inclusion | None:
    """Under the newest head; None while no head covers the event. Three queries, and some more that grow with the log's logarithm."""
    position = selectors.event_position(event.uuid)
    head = selectors.latest_checkpoint()
    if position is None or head is None or head.size <= position.seq:
        return None
    path = TileReader().inclusion_proof(position.seq, head.size)
    return Inclusion(position.seq, position.leaf_hash, path, head)


def consistency_of(old_size: int, new_size: int) -> Consistency:
    """Raises CheckpointNotFound unless heads were signed at both sizes, ValueError where the old one is the larger."""
    old, new = selectors.get_checkpoint(old_size), selectors.get_checkpoint(new_size)
    return Consistency(old, new, TileReader().consistency_proof(old.size, new.size))
