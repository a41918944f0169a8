"""Two columns as counts over the same cells, and what these cells are called."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring.engine.wording import bin_names, value_name
from monitoring.profiles.hashing import edges_id, hash_text
from monitoring.profiles.kll import Floats, Kll
from monitoring.profiles.parts import MOST_CELLS, ColumnProfile, Histogram, Value, ValueCounts
from monitoring.profiles.reference import is_categorical, quantile_edges
from monitoring.profiles.valued import hashes_of

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Counts of both over the same cells, and the cells' names; `pinned` when both counted them exactly, row by row."""

    reference: Counts
    current: Counts
    names: tuple[str, ...]
    pinned: bool


def comparable(reference: ColumnProfile, current: ColumnProfile, key: bytes | None) -> Compared | None:
    """Both columns over the reference's cells: pinned histograms, else listed values, else ranks in the sketches; None when there are none.

    Without pinned histograms, counts over categories are off by the error of the lists, and counts over bins by that of the sketches.
    """
    if reference.hist is not None and current.hist is not None and is_same(reference.hist, current.hist):
        names = _names(reference, reference.hist, key)
        return Compared(reference.hist.counts, current.hist.counts, names, pinned=True)
    if is_categorical(reference):
        return _by_lists(reference, current)
    return _by_ranks(reference, current)


def is_same(a: Histogram, b: Histogram) -> bool:
    """Do both count the same cells?"""
    return (a.kind, a.id, len(a.counts)) == (b.kind, b.id, len(b.counts))


def _by_lists(reference: ColumnProfile, current: ColumnProfile) -> Compared | None:
    """The reference's most frequent values, and last all others."""
    for before, now in ((reference.values, current.values), (reference.hashes, current.hashes)):
        if before is None or now is None:
            continue
        cells = [value for value, _ in before.items[:MOST_CELLS]]
        in_the_clear = before is reference.values
        names = [value_name(value, reference) if in_the_clear else _nameless(i) for i, value in enumerate(cells)]
        counts = _counts_of(cells, before, reference.present), _counts_of(cells, now, current.present)
        return Compared(*counts, (*names, "other values"), pinned=False)
    return None


def _counts_of(cells: list[Value], listed: ValueCounts, present: int) -> Counts:
    known = dict(listed.items)
    counts = [known.get(value, 0) for value in cells]
    return np.array([*counts, present - sum(counts)], np.int64)


def _nameless(at: int) -> str:
    return f"category {at + 1}"


def _by_ranks(reference: ColumnProfile, current: ColumnProfile) -> Compared | None:
    edges = _edges(reference)
    if edges is None:
        return None
    before, now = _counts_between(reference, edges), _counts_between(current, edges)
    if before is None or now is None:
        return None
    return Compared(before, now, bin_names(edges, reference.type), pinned=False)


def _edges(reference: ColumnProfile) -> Floats | None:
    if reference.hist is not None and reference.hist.edges is not None:
        return reference.hist.edges
    return quantile_edges(reference.kll) if reference.kll is not None and reference.kll.n else None


def _counts_between(column: ColumnProfile, edges: Floats) -> Counts | None:
    if column.hist is not None and column.hist.id == edges_id(edges) and len(column.hist.counts) == len(edges) + 1:
        return column.hist.counts
    return _ranks(column.kll, edges) if column.kll is not None else None


def _ranks(sketch: Kll, edges: Floats) -> Counts:
    values, weights = sketch.weighted()
    return np.bincount(np.searchsorted(edges, values), weights, len(edges) + 1).astype(np.int64)


def _names(reference: ColumnProfile, hist: Histogram, key: bytes | None) -> tuple[str, ...]:
    """Names of pinned cells; categories are found again by their hashes, as far as the reference says what hashes to them."""
    if hist.kind == "bins":
        if hist.edges is None or len(hist.edges) + 1 != len(hist.counts):
            return tuple(f"bin {i + 1}" for i in range(len(hist.counts)))
        return bin_names(hist.edges, reference.type)
    known = _known_values(reference, key)
    hashes = hist.hashes.tolist() if hist.hashes is not None else [None] * (len(hist.counts) - 1)
    names = [known.get(each, _nameless(i)) for i, each in enumerate(hashes)]
    return (*names, "other values")


def _known_values(reference: ColumnProfile, key: bytes | None) -> dict[int, str]:
    if reference.values is None or key is None:
        return {}
    values = [value for value, _ in reference.values.items]
    if reference.family == "text":
        hashes = [hash_text(str(value), key) for value in values]
    else:
        found = hashes_of(reference, key)
        hashes = found.tolist() if found is not None else []
    return {each: value_name(value, reference) for each, value in zip(hashes, values, strict=False)}
