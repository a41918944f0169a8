"""Counts of texts by their hashes, with the texts themselves at hand for the few that are kept."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lineal._profiles.counts import COUNTED, Counts
from lineal._profiles.hashing import Hashes

LONGEST_TEXT = 256  # characters of a text that `values` shows


@dataclass(frozen=True)
class TextCounts:
    """`texts[i]`, as bytes, has the hash `counts.keys[i]`."""

    counts: Counts = field(default_factory=lambda: Counts.empty(np.uint64))
    texts: pa.Array = field(default_factory=lambda: pa.array([], pa.large_binary()))

    @classmethod
    def of(cls, texts: pa.Array, hashes: Hashes, counts: NDArray[np.int64]) -> "TextCounts":
        return _with_texts(Counts.of(hashes, counts), hashes, texts)

    def plus(self, block: "TextCounts") -> "TextCounts":
        """While a column is read: with what another block holds."""
        if not self.counts.total or not block.counts.total:
            return self if self.counts.total else block
        ours, theirs = _only(self, self.counts.reduced(COUNTED)), _only(block, block.counts.reduced(COUNTED))
        return _with_texts(
            ours.counts.merged(theirs.counts, COUNTED),
            np.concatenate((ours.counts.keys, theirs.counts.keys)),
            pa.concat_arrays((ours.texts, theirs.texts)),
        )

    def hashes(self) -> Counts:
        """The most frequent, by hash."""
        return self.counts.most_frequent()

    def values(self) -> Counts | None:
        """The most frequent, by their first 256 characters; None if one is no UTF-8."""
        kept = _only(self, self.counts.most_frequent())
        try:
            shown = [text.decode()[:LONGEST_TEXT] for text in kept.texts.to_pylist()]
        except UnicodeDecodeError:
            return None
        return Counts.of(np.array(shown, object), kept.counts.counts, kept.counts.other, kept.counts.error)


def _only(whole: TextCounts, counts: Counts) -> TextCounts:
    """What it has left, with the texts of that."""
    return whole if counts is whole.counts else _with_texts(counts, whole.counts.keys, whole.texts)


def _with_texts(counts: Counts, hashes: Hashes, texts: pa.Array) -> TextCounts:
    order = np.argsort(hashes, kind="stable")
    return TextCounts(counts, texts.take(pa.array(order[np.searchsorted(hashes[order], counts.keys)])))
