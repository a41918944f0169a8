"""One column's profile, built block by block in memory that does not grow with the rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lineal._profiles import arrow, kmv, moments
from lineal._profiles.columns import FAMILIES, SKETCHED, ColumnProfile
from lineal._profiles.counts import Counts
from lineal._profiles.hashing import Hashes, hash_numbers, hash_texts
from lineal._profiles.histograms import CellCounts, Cells, Edges, Histogram, Pin
from lineal._profiles.kll import Kll
from lineal._profiles.reference import PinnedColumn
from lineal._profiles.text_counts import TextCounts


@dataclass(frozen=True)
class Setting:
    """What holds for every column of a profile."""

    key: bytes
    strict: bool


class ColumnBuilder:
    """Rows and nulls: all there is to say about a type without a family."""

    def __init__(self, name: str, found: pa.DataType, role: str, setting: Setting, pin: Pin | None = None) -> None:
        self.name = name
        self.arrow_type = found
        self.kind = arrow.kind_or_other(name, found)
        self.role = role
        self.setting = setting
        self.pin = pin
        self.cells = np.zeros(pin.size if pin is not None else 0, np.int64)
        self.n = 0
        self.nulls = 0

    def add(self, column: pa.ChunkedArray) -> None:
        """Take in one block."""
        self.n += len(column)
        self.nulls += column.null_count

    def counts_over(self, pin: Pin) -> CellCounts | None:
        """All that was taken in, over the cells of `pin`; None where that is not known exactly any more."""
        return np.zeros(pin.size, np.int64)

    def block_over(self, column: pa.ChunkedArray, pin: Pin) -> CellCounts:
        """One block over the cells of `pin`, for a second pass."""
        return np.zeros(pin.size, np.int64)

    def result(self) -> ColumnProfile:
        """The column's profile."""
        return ColumnProfile(**self._parts())

    def _parts(self) -> dict[str, Any]:
        hist = Histogram.over(self.pin, self.cells) if self.pin is not None else None
        return {"type": self.kind.tag, "role": self.role, "n": self.n, "nulls": self.nulls, "hist": hist}

    def _values(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return arrow.values_of(self.name, column, self.kind)


class Numbers(ColumnBuilder):
    """Numbers, bools and times, as doubles. Each block is sorted once, and every part is taken from that."""

    def __init__(self, name: str, found: pa.DataType, role: str, setting: Setting, pin: Pin | None = None) -> None:
        super().__init__(name, found, role, setting, pin)
        self.needs_u64 = False
        self.nan = self.pos_inf = self.neg_inf = self.zeros = self.finite = 0
        self.moments = moments.NOTHING
        self.least, self.greatest = np.inf, -np.inf
        self.counts = Counts.empty()
        self.kmv = kmv.EMPTY
        self.kll = Kll.empty()

    def add(self, column: pa.ChunkedArray) -> None:
        values = self._values(column)
        self.n += len(column)
        self.nulls += len(column) - len(values)
        self.needs_u64 = self.needs_u64 or arrow.needs_u64(values)
        ordered = self._ordered(values)
        self.nan += len(values) - len(ordered)
        distinct = Counts.of_sorted(ordered)
        self.kmv = kmv.widened(self.kmv, self._hashes(distinct))
        if self.pin is not None:
            self.cells += self._over(self.pin, distinct)
        self.counts = self.counts.plus(distinct)
        if not self.setting.strict:
            self.kll = self.kll.merged(Kll.of_sorted(ordered))
        self._describe(ordered)

    def _ordered(self, values: pa.ChunkedArray) -> NDArray[np.float64]:
        ordered = np.sort(arrow.doubles(values, self.kind.tag))
        return ordered[: np.searchsorted(ordered, np.nan)]  # what is not a number is sorted to the end

    def _over(self, pin: Pin, distinct: Counts) -> CellCounts:
        if isinstance(pin, Edges):
            return pin.count(distinct.keys, distinct.counts)
        return pin.count(self._hashes(distinct), distinct.counts)

    def _hashes(self, distinct: Counts) -> Hashes:
        return hash_numbers(distinct.keys, self.setting.key)

    def _describe(self, ordered: NDArray[np.float64]) -> None:
        first, last = np.searchsorted(ordered, -np.inf, side="right"), np.searchsorted(ordered, np.inf)
        self.neg_inf += int(first)
        self.pos_inf += len(ordered) - int(last)
        self.zeros += int(np.searchsorted(ordered, 0.0, side="right") - np.searchsorted(ordered, 0.0))
        finite = ordered[first:last]
        self.moments = moments.merged(self.finite, self.moments, len(finite), moments.of(finite))
        self.finite += len(finite)
        if len(finite):
            self.least, self.greatest = min(self.least, float(finite[0])), max(self.greatest, float(finite[-1]))

    def counts_over(self, pin: Pin) -> CellCounts | None:
        return self._over(pin, self.counts) if self.counts.is_complete else None

    def block_over(self, column: pa.ChunkedArray, pin: Pin) -> CellCounts:
        if isinstance(pin, Edges):
            return pin.count_unsorted(arrow.doubles(self._values(column), self.kind.tag))
        return self._over(pin, Counts.of_sorted(self._ordered(self._values(column))))

    def _parts(self) -> dict[str, Any]:
        strict, seen = self.setting.strict, self.finite > 0
        values = self.counts.most_frequent()
        return super()._parts() | {
            "type": "u64" if self.needs_u64 else self.kind.tag,
            "nan": self.nan,
            "pos_inf": self.pos_inf,
            "neg_inf": self.neg_inf,
            "zeros": self.zeros if FAMILIES[self.kind.tag] != "time" else 0,
            "mean": self.moments[0],
            "m2": self.moments[1],
            "min": self.least if seen and not strict else None,
            "max": self.greatest if seen and not strict else None,
            "values": values if not strict else None,
            "hashes": values.hashed(self._hashes(values)) if strict else None,
            "kll": self.kll if not strict else None,
            "kmv": self.kmv,
        }


class Texts(ColumnBuilder):
    """Texts and bytes. A block's distinct ones are found first, and only those are hashed."""

    def __init__(self, name: str, found: pa.DataType, role: str, setting: Setting, pin: Pin | None = None) -> None:
        super().__init__(name, found, role, setting, pin)
        self.counts = TextCounts()
        self.kmv = kmv.EMPTY

    def add(self, column: pa.ChunkedArray) -> None:
        values = self._values(column)
        self.n += len(column)
        self.nulls += len(column) - len(values)
        block = self._counted(values)
        self.kmv = kmv.widened(self.kmv, block.counts.keys)
        if self.pin is not None:
            self.cells += _over(self.pin, block.counts)
        self.counts = self.counts.plus(block)

    def _counted(self, values: pa.ChunkedArray) -> TextCounts:
        texts, counts = arrow.distinct_texts(values)
        return TextCounts.of(texts, hash_texts(texts.to_pylist(), self.setting.key), counts)

    def counts_over(self, pin: Pin) -> CellCounts | None:
        if pin.size == 1:
            return np.array([self.counts.counts.total], np.int64)
        return _over(pin, self.counts.counts) if self.counts.counts.is_complete else None

    def block_over(self, column: pa.ChunkedArray, pin: Pin) -> CellCounts:
        return _over(pin, self._counted(self._values(column)).counts)

    def _parts(self) -> dict[str, Any]:
        shown = self.kind.tag == "utf8" and not self.setting.strict
        return super()._parts() | {
            "values": self.counts.values() if shown else None,
            "hashes": self.counts.hashes(),
            "kmv": self.kmv,
        }


def _over(pin: Pin, counted: Counts) -> CellCounts:
    """Texts are counted by their hashes: a pin of edges has no place for them."""
    assert isinstance(pin, Cells)  # noqa: S101 - `column_builder` saw to it
    return pin.count(counted.keys, counted.counts)


def column_builder(
    name: str, found: pa.DataType, role: str, setting: Setting, pinned: PinnedColumn | None = None
) -> ColumnBuilder:
    """The builder for a column of that Arrow type. A pin of another family does not fit and is left alone."""
    family = FAMILIES[arrow.kind_or_other(name, found).tag]
    builder = Numbers if family in SKETCHED else Texts if family == "text" else ColumnBuilder
    fits = pinned is not None and family in (pinned.family, "null")
    return builder(name, found, role, setting, pinned.pin if pinned is not None and fits else None)
