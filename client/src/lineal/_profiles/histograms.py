"""Counts over cells that are pinned: the same edges or categories in every batch, so that counts add up exactly."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineal._profiles.counts import FEW
from lineal._profiles.hashing import Hashes, hex_of
from lineal._profiles.members import Member, written

CellCounts = NDArray[np.int64]

BINS = 10
MOST_CELLS = FEW


@dataclass(frozen=True, eq=False)
class Edges:
    """Ascending and distinct; cell i holds the values above edge i - 1 and not above edge i."""

    edges: NDArray[np.float64]
    kind = "bins"

    @property
    def id(self) -> str:
        return sha256(b"lineal-edges/1\n" + self.edges.astype("<f8").tobytes()).hexdigest()

    @property
    def size(self) -> int:
        return len(self.edges) + 1

    def count(self, values: NDArray[np.float64], counts: CellCounts) -> CellCounts:
        """How many values lie in each cell, of ascending distinct ones with these counts."""
        ends = np.concatenate(([0], np.searchsorted(values, self.edges, side="right"), [len(values)]))
        return np.diff(np.concatenate(([0], np.cumsum(counts)))[ends])

    def count_unsorted(self, values: NDArray[np.float64]) -> CellCounts:
        """The same of values in any order, which is all a second pass needs; NaN has no cell."""
        places = np.searchsorted(self.edges, values[~np.isnan(values)])
        return np.bincount(places, minlength=self.size).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        return {"edges": [written(edge) for edge in self.edges.tolist()]}


@dataclass(frozen=True, eq=False)
class Cells:
    """A cell for each hash, in this order, and a last one for everything else."""

    hashes: Hashes
    kind = "cells"

    @property
    def id(self) -> str:
        return sha256(b"lineal-cells/1\n" + self.hashes.astype("<u8").tobytes()).hexdigest()

    @property
    def size(self) -> int:
        return len(self.hashes) + 1

    def count(self, hashes: Hashes, counts: CellCounts) -> CellCounts:
        """How many values lie in each cell, of distinct ones with these hashes and counts."""
        found = np.zeros(self.size, np.int64)
        if len(self.hashes):
            order = np.argsort(self.hashes)
            place = np.minimum(np.searchsorted(self.hashes[order], hashes), len(order) - 1)
            cell = order[place]
            known = self.hashes[cell] == hashes
            np.add.at(found, cell[known], counts[known])
        found[-1] = int(counts.sum()) - int(found[:-1].sum())
        return found

    def to_json(self) -> dict[str, Any]:
        return {"hashes": [hex_of(value) for value in self.hashes.tolist()]}


Pin = Edges | Cells


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts over a pin that is named by `id`. `pin` itself is there in a profile that pinned its own."""

    kind: str
    id: str
    counts: CellCounts
    pin: Pin | None = None

    @classmethod
    def over(cls, pin: Pin, counts: CellCounts, *, own: bool = False) -> "Histogram":
        return cls(pin.kind, pin.id, counts, pin if own else None)

    def merged(self, other: "Histogram") -> "Histogram | None":
        """The sum; None where the two count over different cells."""
        if (self.id, self.kind, len(self.counts)) != (other.id, other.kind, len(other.counts)):
            return None
        return replace(self, counts=self.counts + other.counts, pin=self.pin or other.pin)

    def to_json(self) -> dict[str, Any]:
        """The `hist` of a COLUMN."""
        own = self.pin.to_json() if self.pin is not None else {}
        return {"kind": self.kind, "id": self.id, "counts": self.counts.tolist(), **own}


def read_histogram(member: Member) -> Histogram:
    """Raises InvalidProfile: wrong members, or a pin that has another id."""
    kind = member.mapping().get("kind", Member(None, f"{member.place}.kind")).one_of("bins", "cells")
    own = "edges" if kind == "bins" else "hashes"
    found = member.members("kind", "id", "counts", optional=(own,))
    counts = [each.count() for each in found["counts"].items(most=(BINS if kind == "bins" else MOST_CELLS + 1))]
    histogram = Histogram(kind, found["id"].hex(64), np.array(counts, np.int64))
    if not counts:
        raise found["counts"].wrong("no cells")
    if own not in found:
        return histogram
    pin = read_pin(kind, found[own])
    if pin.id != histogram.id or pin.size != len(counts):
        raise found[own].wrong("not those that `id` and `counts` are of")
    return replace(histogram, pin=pin)


def read_pin(kind: str, member: Member) -> Pin:
    """Edges or cells as a document has them. Raises InvalidProfile."""
    if kind == "bins":
        edges = np.array([each.number() for each in member.items(most=BINS - 1)], np.float64)
        if (edges[1:] <= edges[:-1]).any():
            raise member.wrong("not ascending")
        return Edges(edges)
    hashes = np.array([int(each.hex(16), 16) for each in member.items(most=MOST_CELLS)], np.uint64)
    if len(np.unique(hashes)) != len(hashes):
        raise member.wrong("a hash is there twice")
    return Cells(hashes)
