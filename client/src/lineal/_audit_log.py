"""The log inside an audit export, checked event by event: `FullLog` rebuilds the tree, `FilteredLog` follows proofs."""

from binascii import b2a_base64
from collections.abc import Sequence
from typing import NamedTuple

from lineal._audit_report import ANCHOR_UNCHECKED, Findings, printable
from lineal._proofs import Checkpoint, Tree, decode_base64, leaf_hash, verify_inclusion

_LOST = b"\0" * 32  # keeps the count of leaves when a line cannot be read at all; no entry has this hash


class Anchor(NamedTuple):
    """A checkpoint kept away from the log, and where it was read from."""

    source: str
    checkpoint: Checkpoint


class FullLog:
    """Every event from the first: roots are recomputed and compared at each checkpoint and anchor."""

    def __init__(self, findings: Findings, anchors: Sequence[Anchor]) -> None:
        self.events = 0
        self.last_good: Checkpoint | None = None
        self.anchored_to: int | None = None
        self._findings = findings
        self._anchors = sorted(anchors, key=lambda anchor: anchor.checkpoint.size)
        self._next_anchor = self._anchors[0].checkpoint.size if self._anchors else -1
        self._tree = Tree()
        self._other: Tree | None = None  # where body and leaf_hash disagree: the tree as the bodies would have it
        self._next_seq = 0
        self._resume: tuple[int, int] | None = None  # (count of events, seq) at which numbering may fall back in step
        self._covered = 0  # size of the last checkpoint met, good or not
        self._offset = 0  # events that checkpoints count beyond those in the file
        self._agreed = True  # did the last checkpoint's root agree?

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def root(self) -> bytes | None:
        return self._tree.root()

    def event(self, seq: int, body: str, stated: str, proof: list[str] | None) -> None:
        """Take the next event line: number, exact text, base64 leaf hash, and the proof it should not have."""
        leaf = leaf_hash(body.encode())
        self.events += 1
        if seq == self._next_seq:
            self._next_seq = seq + 1
        else:
            self._misnumbered(seq, body)
        if proof is not None:
            self._findings.add("line", "An event of a full export carries no proof.", seq=seq, body=body)
        if stated == b2a_base64(leaf, newline=False).decode():
            self._grow(leaf, leaf)
        else:
            self._changed(seq, body, stated, leaf)

    def damaged_event(self, _seq: int | None, body: str | None, stated: str | None) -> None:
        """Take an event line that cannot be read, with what could be saved of it; its place says its number."""
        saved = decode_base64(stated or "")
        leaf = saved if saved is not None and len(saved) == len(_LOST) else _LOST
        self._findings.add("line", "This event cannot be read: the line was damaged.", seq=self._next_seq, body=body)
        self.events += 1
        self._next_seq += 1
        self._grow(leaf, leaf)

    def _grow(self, leaf: bytes, other_leaf: bytes) -> None:
        self._tree.add(leaf)
        if self._other is not None:
            self._other.add(other_leaf)
        if self._tree.size == self._next_anchor:
            self._meet_anchors()

    def _changed(self, seq: int, body: str, stated: str, leaf: bytes) -> None:
        """Body and leaf hash disagree. Both continuations are followed until a checkpoint says which was logged."""
        stated_leaf = decode_base64(stated)
        if stated_leaf is None or len(stated_leaf) != 32:
            self._findings.add("leaf-hash", "The leaf_hash of this event is no hash.", seq=seq, body=body)
            self._grow(leaf, leaf)
            return
        self._findings.add("event-changed", "This event was changed: it has not its leaf hash.", seq=seq, body=body)
        self._other = self._other or self._tree.copy()
        self._grow(stated_leaf, leaf)

    def _misnumbered(self, seq: int, body: str) -> None:
        expected, self._next_seq = self._next_seq, seq + 1
        if self._resume == (self.events, seq):
            return
        self._resume = (self.events + 1, expected + 1)
        gap = f"events {expected} to {seq - 1} are missing" if seq > expected else "it is repeated or out of order"
        self._findings.add("sequence", f"Expected event {expected}, found {seq}: {gap}.", seq=seq, body=body)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Compare a checkpoint, whose signature holds, with the events before it."""
        if self.last_good and checkpoint.size <= self.last_good.size:
            self._findings.add("checkpoint", f"The checkpoint of size {checkpoint.size} is out of order.")
            return
        self._covered = self._tree.size
        offset, before = checkpoint.size - self._tree.size, self._offset
        self._offset = offset
        if offset:
            if offset != before:
                self._findings.add("checkpoint", self._miscount(checkpoint.size))
            return
        if self._agrees(checkpoint.root):
            self.last_good, self._agreed = checkpoint, True
        elif self._agreed:
            self._agreed = False
            self._findings.add("root", self._mismatch(checkpoint.size))

    def _agrees(self, root: bytes) -> bool:
        """Is this the root so far, by the leaf hashes or else by the bodies? Settles which of the two was logged."""
        if self._tree.root() != root:
            if self._other is None or self._other.root() != root:
                return False
            self._tree = self._other
        self._other = None
        return True

    def _miscount(self, size: int) -> str:
        return (
            f"The checkpoint of size {size} stands after {self._tree.size} events: "
            f"events after number {self._good_size - 1} are missing, added or moved."
        )

    def _mismatch(self, size: int) -> str:
        return (
            f"The signed root at size {size} differs: among events {self._good_size} to {size - 1} "
            "something was changed, exchanged or replaced."
        )

    @property
    def _good_size(self) -> int:
        return self.last_good.size if self.last_good else 0

    def _meet_anchors(self) -> None:
        while self._anchors and self._anchors[0].checkpoint.size == self._tree.size:
            anchor = self._anchors.pop(0)
            if self._agrees(anchor.checkpoint.root):
                self.anchored_to = self._tree.size
            else:
                message = (
                    f"The log at size {self._tree.size} is not the one of the anchor {anchor.source}: it was rewritten."
                )
                self._findings.add("anchor", message)
        self._next_anchor = self._anchors[0].checkpoint.size if self._anchors else -1

    def finish(self, stated_size: int | None) -> None:
        """After the last line: what no checkpoint covers, and what anchors say must have been there."""
        size = self._tree.size
        if self._covered < size or (not size and self.last_good is None):
            what = f"events {self._covered} to {size - 1}" if size else "this empty log"
            self._findings.add("uncovered", f"No signed checkpoint covers {what}.")
        if stated_size is not None and stated_size != size:
            self._findings.add("size", f"The header promises {stated_size} events, the file has {size}.")
        for anchor in self._anchors:
            _report_unmet(self._findings, anchor, size)


class FilteredLog:
    """Chosen events of a log, each with its inclusion proof under one checkpoint."""

    def __init__(self, findings: Findings, anchors: Sequence[Anchor]) -> None:
        self.events = 0
        self.last_good: Checkpoint | None = None
        self.anchored_to: int | None = None
        self._findings = findings
        self._anchors = anchors
        self._last_seq = -1
        self._told = False

    @property
    def size(self) -> int:
        return self.last_good.size if self.last_good else 0

    @property
    def root(self) -> bytes | None:
        return self.last_good.root if self.last_good else None

    def event(self, seq: int, body: str, stated: str, proof: list[str] | None) -> None:
        """Take the next event line and follow its proof."""
        self.events += 1
        leaf = leaf_hash(body.encode())
        if seq <= self._last_seq:
            message = f"Event {seq} comes after event {self._last_seq}."
            self._findings.add("sequence", message, seq=seq, body=body)
        self._last_seq = seq
        if stated != b2a_base64(leaf, newline=False).decode():
            message = "This event was changed: it has not its leaf hash."
            self._findings.add("event-changed", message, seq=seq, body=body)
        elif self.last_good is None:
            self._tell_once("No valid checkpoint stands before the events, so none of them is proven.")
        elif not self._is_included(leaf, seq, proof, self.last_good):
            message = f"The proof does not show this event in the log at number {seq}."
            self._findings.add("proof", message, seq=seq, body=body)

    def damaged_event(self, seq: int | None, body: str | None, _stated: str | None) -> None:
        """Take an event line that cannot be read, with what could be saved of it."""
        self.events += 1
        self._findings.add("line", "This event cannot be read: the line was damaged.", seq=seq, body=body)

    @staticmethod
    def _is_included(leaf: bytes, seq: int, proof: list[str] | None, checkpoint: Checkpoint) -> bool:
        hashes = [decode_base64(each) or b"" for each in proof or []]
        return proof is not None and verify_inclusion(leaf, seq, checkpoint.size, hashes, checkpoint.root)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take the checkpoint that all proofs lead to."""
        if self.last_good or self.events:
            self._findings.add("checkpoint", "A filtered export has one checkpoint, before its events.")
        self.last_good = self.last_good or checkpoint

    def _tell_once(self, message: str) -> None:
        if not self._told:
            self._findings.add("uncovered", message)
        self._told = True

    def finish(self, stated_size: int | None) -> None:
        """After the last line: does the checkpoint have the size that was promised, and do the anchors agree?"""
        if self.last_good is None:
            self._tell_once("The export has no valid checkpoint, so nothing in it is proven.")
            return
        if stated_size is not None and stated_size != self.size:
            self._findings.add("size", f"The header speaks of {stated_size} events, the checkpoint of {self.size}.")
        for anchor in self._anchors:
            if anchor.checkpoint.size != self.size:
                _report_unmet(self._findings, anchor, self.size)
            elif anchor.checkpoint.root == self.root:
                self.anchored_to = self.size
            else:
                message = f"The log at size {self.size} is not the one of the anchor {anchor.source}: it was rewritten."
                self._findings.add("anchor", message)


def _report_unmet(findings: Findings, anchor: Anchor, size: int) -> None:
    """An anchor that no size of this export could be compared with."""
    source, anchored = printable(anchor.source), anchor.checkpoint.size
    if anchored > size:
        message = (
            f"The anchor {source} has size {anchored}, the export ends at {size}: its tail was cut, or it is older."
        )
        findings.add("anchor", message)
    elif anchored == 0:
        findings.add(ANCHOR_UNCHECKED, f"The anchor {source} is of an empty log and proves nothing.")
    else:
        message = f"The anchor {source} has size {anchored}: only a full export can be compared with it."
        findings.add(ANCHOR_UNCHECKED, message)
