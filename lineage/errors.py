"""What can be wrong with a change to the graph, or a question about it."""

from core.errors import Conflict, Invalid, Unavailable


class CycleRefused(Conflict):
    """The new edge would make something its own ancestor."""

    code = "lineage-cycle"
    title = "Would close a cycle"

    def __init__(self, *, src: str, dst: str) -> None:
        super().__init__(f"{src} already descends from {dst}, so {dst} cannot descend from it.", src=src, dst=dst)


class UnknownReference(Invalid):
    """A text that no kind of node is named by."""

    code = "lineage-reference"
    title = "Not a lineage reference"


class WalkTooSlow(Unavailable):
    """The database stopped a walk that took longer than it may; no partial answer is given."""

    code = "lineage-too-slow"
    title = "Lineage walk too slow"
