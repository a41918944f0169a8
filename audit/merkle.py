"""The Merkle tree of the ledger: hashes, roots, proofs and their checks, on plain bytes (RFC 6962, 2.1; RFC 9162, 2.1).

Every hash is 32 raw bytes. The makers raise ValueError when asked for what the tree does not hold; the checkers
(`verify_*`) answer False to anything malformed, because what they check comes from outside.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
_SIZE_BYTES = 8  # a stored frontier begins with its size, big-endian
_MAX_SIZE = 2**63 - 1  # what a BIGINT sequence number can reach

_Range = tuple[int, int]  # first leaf, and the one after the last
NodeGetter = Callable[[int, int], bytes]
"""Hash of the complete subtree over leaves [i * 2**level, (i + 1) * 2**level), called as `node(level, i)`."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of `data` after a 0x00 byte, which keeps a leaf from passing for an inner node (RFC 6962, 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of two child hashes after a 0x01 byte (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of the tree over these leaves; SHA-256 of nothing for none. One hash per leaf, memory for half of them."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        parents = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        if len(level) % 2:
            parents.append(level[-1])  # an odd last node rises unchanged
        level = parents
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Sibling hashes from leaf `index` up to the root, lowest first (RFC 6962, 2.1.1). Reads every leaf once.

    Raises:
        ValueError: there is no such leaf.
    """
    return [root(leaf_hashes[start:end]) for start, end in _inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """What shows that the first `old_size` leaves are a prefix of these (RFC 6962, 2.1.2). Reads every leaf once.

    Raises:
        ValueError: `old_size` is 0, which every tree extends and nothing is proved by, or larger than the tree.
    """
    return [root(leaf_hashes[start:end]) for start, end in _consistency_ranges(old_size, len(leaf_hashes))]


def inclusion_proof_from(node: NodeGetter, index: int, size: int) -> list[bytes]:
    """`inclusion_proof` from stored subtree hashes: O(log² size) calls of `node`, no leaf is read beside them."""
    return [_root_from(node, start, end) for start, end in _inclusion_ranges(index, size)]


def consistency_proof_from(node: NodeGetter, old_size: int, new_size: int) -> list[bytes]:
    """`consistency_proof` from stored subtree hashes: O(log² size) calls of `node`."""
    return [_root_from(node, start, end) for start, end in _consistency_ranges(old_size, new_size)]


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """The leaf ranges whose roots make an inclusion proof, lowest sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"No leaf {index} in a tree of {size}.")
    ranges = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_size(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _consistency_ranges(old_size: int, new_size: int) -> list[_Range]:
    """The leaf ranges whose roots make a consistency proof, lowest first."""
    if not 0 < old_size <= new_size:
        raise ValueError(f"No consistency proof from size {old_size} to size {new_size}.")
    ranges = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _left_size(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the subtree reached is the whole old tree, whose root the checker has
        ranges.append((start, end))
    return ranges[::-1]


def _left_size(size: int) -> int:
    """Leaves under the left child of a tree of `size` > 1: the largest power of two below it."""
    return 1 << ((size - 1).bit_length() - 1)


def _root_from(node: NodeGetter, start: int, end: int) -> bytes:
    """Root over [start, end), `start` being a multiple of the largest subtree inside, from complete subtrees."""
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    return _fold(peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Root over complete subtrees given from largest to smallest."""
    if not peaks:
        return EMPTY_ROOT
    folded = peaks[-1]
    for peak in reversed(peaks[:-1]):
        folded = node_hash(peak, folded)
    return folded


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Is `leaf_hash` leaf number `index` of the tree with this size and root? (RFC 9162, 2.1.3.2)"""
    if not (_is_number(index) and _is_number(size) and index < size):
        return False
    if not _are_hashes([leaf_hash, root]) or not _are_hashes(proof):
        return False
    position, last = index, size - 1
    folded = leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            folded = node_hash(sibling, folded)
            position, last = _climb_left_edge(position, last)
        else:
            folded = node_hash(folded, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and folded == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Does the new tree begin with the whole old one? Refused from size 0, which proves nothing (RFC 9162, 2.1.4.2)."""
    if not (_is_number(old_size) and _is_number(new_size) and 0 < old_size <= new_size):
        return False
    if not _are_hashes([old_root, new_root]) or not _are_hashes(proof):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)  # the old tree is one complete subtree: its root is where the climb begins
    if not path:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    return _climb(path, position, last) == (old_root, new_root)


def _climb(path: Sequence[bytes], position: int, last: int) -> tuple[bytes, bytes] | None:
    """Old and new root that a consistency path leads to, or None if its length does not fit the sizes."""
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            position, last = _climb_left_edge(position, last)
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return (old, new) if last == 0 else None


def _climb_left_edge(position: int, last: int) -> tuple[int, int]:
    """Pass the levels where a node on the right border has no sibling and rises unchanged."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_SIZE


def _are_hashes(values: object) -> bool:
    return isinstance(values, list | tuple) and all(type(v) is bytes and len(v) == HASH_SIZE for v in values)


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, at most 63, largest first.

    Enough to append leaves and know the root without reading what was appended before. Changes in place; `copy`
    first to try something out.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, *, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if not _is_number(size) or len(self._peaks) != size.bit_count() or not _are_hashes(self._peaks):
            raise ValueError(f"{len(self._peaks)} hashes are no frontier of size {size}.")

    @property
    def size(self) -> int:
        """Leaves appended so far."""
        return self._size

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf; amortised one hash."""
        if len(leaf_hash) != HASH_SIZE:
            raise ValueError(f"A leaf hash has {HASH_SIZE} bytes, not {len(leaf_hash)}.")
        filled = self._size
        while filled & 1:
            leaf_hash = node_hash(self._peaks.pop(), leaf_hash)
            filled >>= 1
        self._peaks.append(leaf_hash)
        self._size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves in order."""
        for each in leaf_hashes:
            self.append(each)

    def root(self) -> bytes:
        """Root of the tree so far; at most 62 hashes."""
        return _fold(self._peaks)

    def copy(self) -> "Frontier":
        return Frontier(size=self._size, peaks=self._peaks)

    def to_bytes(self) -> bytes:
        """Size as 8 big-endian bytes, then the subtree roots, largest subtree first."""
        return self._size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Frontier":
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the length does not fit the size it begins with.
        """
        if len(stored) < _SIZE_BYTES:
            raise ValueError(f"A stored frontier has at least {_SIZE_BYTES} bytes, not {len(stored)}.")
        peaks = [stored[at : at + HASH_SIZE] for at in range(_SIZE_BYTES, len(stored), HASH_SIZE)]
        return cls(size=int.from_bytes(stored[:_SIZE_BYTES], "big"), peaks=peaks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frontier) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]  # it changes in place

    def __repr__(self) -> str:
        return f"<Frontier size={self._size} root={self.root().hex()[:12]}>"
