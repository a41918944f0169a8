"""Which cells a column gets: its categories, or its deciles."""

import math
from collections.abc import Mapping

import numpy as np

from lineal._profiles.columns import SKETCHED, ColumnProfile
from lineal._profiles.counts import FEW
from lineal._profiles.hashing import hash_numbers
from lineal._profiles.histograms import BINS, Cells, Edges, Pin
from lineal._profiles.reference import PinnedColumn

NORMAL_DECILES = (
    *(-1.2815515655446004, -0.8416212335729143, -0.5244005127080407, -0.2533471031357997),
    *(0.0, 0.2533471031357997, 0.5244005127080407, 0.8416212335729143, 1.2815515655446004),
)


def pinned_columns(columns: Mapping[str, ColumnProfile], key: bytes) -> dict[str, PinnedColumn]:
    """The pin of each column that can have one; types without a family have none."""
    return {
        name: PinnedColumn(column.type, column.role, pin_of(column, key))
        for name, column in columns.items()
        if column.family != "other"
    }


def pin_of(column: ColumnProfile, key: bytes) -> Pin:
    """The column's own pin if it has one; else categories for few distinct values and for texts, deciles for the rest."""
    if column.hist is not None and column.hist.pin is not None:
        return column.hist.pin
    if column.family in SKETCHED and column.kmv is not None and len(column.kmv) > FEW:
        return Edges(np.unique(np.array(_deciles(column), np.float64)))
    return Cells(_categories(column, key))


def _categories(column: ColumnProfile, key: bytes) -> np.ndarray:
    if column.hashes is not None:
        return np.array([value for value, _ in column.hashes.items[:FEW]], np.uint64)
    if column.values is None:
        return np.empty(0, np.uint64)
    return hash_numbers(np.array([value for value, _ in column.values.items[:FEW]], np.float64), key)


def _deciles(column: ColumnProfile) -> list[float]:
    """Of the sketch; without one (strict), of the normal distribution with its mean and variance, which show no value."""
    if column.kll is not None:
        return column.kll.quantiles(BINS)
    if column.mean is None or column.m2 is None or not math.isfinite(column.m2):
        return []
    deviation = math.sqrt(column.m2 / column.finite)
    return [column.mean + deviation * decile for decile in NORMAL_DECILES]
