"""What can be wrong with the ledger itself."""

from core.errors import Conflict, NotFound, Unavailable


class LedgerBroken(Conflict):
    """The stored log does not fit its last checkpoint. Nothing is signed on top of it until people have looked."""

    code = "ledger-broken"
    title = "Ledger does not fit its checkpoint"


class EventNotFound(NotFound):
    code = "event-not-found"
    title = "Event not found"


class CheckpointNotFound(NotFound):
    code = "checkpoint-not-found"
    title = "Checkpoint not found"


class TileNotFound(NotFound):
    code = "tile-not-found"
    title = "Tile not found"


class NotSequenced(Unavailable):
    """The event is committed and has no place in the log yet; the sequencer is behind or not running."""

    code = "event-not-sequenced"
    title = "Event not in the log yet"
