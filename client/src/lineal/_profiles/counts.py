"""Counts of values: all of them while there are few, else the most frequent (Misra and Gries, 1982, where that has to be merged)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

KEPT = 256  # what a profile holds of a column with more
COUNTED = 1_024  # what is counted while a column is read: the more, the nearer to exact are the 256 that are kept
FEW = 64  # so many distinct values at most make categories


@dataclass(frozen=True, eq=False)
class Counts:
    """`keys`, ascending and distinct, are doubles, hashes or texts. `other` counts what has no key here.

    No count is too high, and none is too low by more than `error`, that of a value without a key included.
    """

    keys: NDArray[Any]
    counts: NDArray[np.int64]
    other: int = 0
    error: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls, kind: type = np.float64) -> Self:
        return cls(np.empty(0, kind), np.empty(0, np.int64))

    @classmethod
    def of_sorted(cls, values: NDArray[np.float64]) -> Self:
        """Exact counts of ascending values."""
        if not len(values):
            return cls.empty()
        starts = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
        return cls(values[starts], np.diff(starts, append=len(values)))

    @classmethod
    def of(cls, keys: NDArray[Any], counts: NDArray[np.int64], other: int = 0, error: int = 0) -> Self:
        """The same keys more than once are added up."""
        distinct, place = np.unique(keys, return_inverse=True)
        added = np.zeros(len(distinct), np.int64)
        np.add.at(added, place, counts)
        return cls(distinct, added, other, error)

    @property
    def is_complete(self) -> bool:
        """Whether every value is here with its whole count."""
        return self.other == 0 and self.error == 0

    @property
    def items(self) -> list[tuple[Any, int]]:
        """(value, count), the most frequent first, then by value."""
        order = np.argsort(-self.counts, kind="stable")
        return list(zip(self.keys[order].tolist(), self.counts[order].tolist(), strict=True))

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        return iter(self.items)

    @property
    def total(self) -> int:
        return int(self.counts.sum()) + self.other

    def merged(self, other: "Counts", most: int = KEPT) -> "Counts":
        """Of both together, at most `most` of them."""
        both = Counts.of(
            np.concatenate((self.keys, other.keys)),
            np.concatenate((self.counts, other.counts)),
            self.other + other.other,
            self.error + other.error,
        )
        return both.reduced(most)

    def plus(self, block: "Counts") -> "Counts":
        """While a column is read: with what another block holds. Few enough values stay exact."""
        if not self.total or not block.total:
            return self if self.total else block
        return self.reduced(COUNTED).merged(block.reduced(COUNTED), COUNTED)

    def reduced(self, most: int) -> "Counts":
        """At most `most` keys, by taking the count of the first that has no place from all: merged ones keep their bound on the error."""
        if len(self) <= most:
            return self
        taken = int(np.partition(self.counts, len(self) - most - 1)[len(self) - most - 1])
        left = self.counts - taken
        kept = left > 0
        return self._only(kept, left[kept], taken)

    def most_frequent(self, most: int = KEPT) -> "Counts":
        """The `most` most frequent with their counts as they are; among equals the least values."""
        if len(self) <= most:
            return self
        order = np.argsort(-self.counts, kind="stable")
        kept = np.zeros(len(self), bool)
        kept[order[:most]] = True
        return self._only(kept, self.counts[kept], int(self.counts[order[most]]))

    def hashed(self, hashes: NDArray[np.uint64]) -> "Counts":
        """The same counts under the hashes of their keys."""
        return Counts.of(hashes, self.counts, self.other, self.error)

    def _only(self, kept: NDArray[np.bool_], counts: NDArray[np.int64], error: int) -> "Counts":
        return Counts(self.keys[kept], counts, self.total - int(counts.sum()), self.error + error)
