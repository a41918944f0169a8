"""Two distributions as counts over the same cells: how far apart they are, and whether chance explains it.

Each function takes the reference's counts and the current ones, in the same order of cells, and raises ValueError when they differ in
length, when a count is negative or not finite, and when one side counts nothing at all: there is no distribution then to compare.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitoring.statistics.heavy import special, stats
from monitoring.statistics.outcome import Outcome

Reals = NDArray[np.float64]

HALF = 0.5  # added per cell, so that an empty one costs something and not everything
LEAST_EXPECTED = 5.0  # of a cell in a chi-square test (Cochran, 1954)


def psi(reference: ArrayLike, current: ArrayLike) -> float:
    """Population stability index: the sum of (q - p)·ln(q / p) over the cells' shares, one half added to each count; in nats.

    Symmetric and never negative: Jeffreys' divergence (Jeffreys, 1946), under the name of credit scoring (Siddiqi, 2006).
    """
    first, second = _pair(reference, current)
    p, q = _shares(first + HALF), _shares(second + HALF)
    return float(np.sum((q - p) * np.log(q / p)))


def psi_limit(reference_rows: int, current_rows: int, *, cells: int, alpha: float) -> float:
    """The PSI that pure chance exceeds in a share `alpha` of comparisons: a chi-square quantile of cells - 1 degrees, times 1/n + 1/m.

    Yurdakul and Naranjo, 2020. Zero where there are fewer than two cells.
    """
    if reference_rows < 1 or current_rows < 1:
        raise ValueError(f"A limit needs rows on both sides, not {reference_rows} and {current_rows}.")
    if cells < 2:
        return 0.0
    return float(stats().chi2.isf(alpha, cells - 1) * (1 / reference_rows + 1 / current_rows))


def js_distance(reference: ArrayLike, current: ArrayLike) -> float:
    """Jensen-Shannon distance: the square root of the divergence in natural logarithms, so between 0 and √ln 2 = 0.833.

    A metric (Endres and Schindelin, 2003); the same as scipy's `jensenshannon` of the counts. Nothing is added to them.
    """
    p, q = map(_shares, _pair(reference, current))
    middle = (p + q) / 2
    rel_entr = special().rel_entr
    divergence = (np.sum(rel_entr(p, middle)) + np.sum(rel_entr(q, middle))) / 2
    return float(np.sqrt(max(0.0, divergence)))  # rounding may leave a little less than nothing


def l_infinity(reference: ArrayLike, current: ArrayLike) -> float:
    """The largest difference of any cell's share (Chebyshev distance), between 0 and 1."""
    p, q = map(_shares, _pair(reference, current))
    return float(np.max(np.abs(p - q)))


def chi_square(reference: ArrayLike, current: ArrayLike) -> Outcome:
    """Pearson's test that both samples come of one distribution (two-sample homogeneity, no continuity correction).

    Cells that nobody is in count for nothing. Cells with an expected count below 5 on either side are pooled into one, which takes in the
    next smallest as long as it stays below 5 itself (Cochran, 1954); where none has to be, this is scipy's
    `chi2_contingency(…, correction=False)`. With fewer than two cells left, nothing speaks against one distribution: (0, 1).
    """
    table = pooled(np.stack(_pair(reference, current)))
    if table.shape[1] < 2:
        return Outcome(0.0, 1.0)
    found = stats().chi2_contingency(table, correction=False)
    return Outcome(float(found.statistic), float(found.pvalue))


def pooled(table: Reals) -> Reals:
    """A table of groups by cells, with cells joined until each group expects at least 5 in each; empty cells are left out."""
    table = table[:, table.sum(axis=0) > 0]
    if not table.size:
        return table
    groups, cells = table.sum(axis=1), table.sum(axis=0)
    expected = cells * groups.min() / groups.sum()
    order = np.argsort(expected, kind="stable")
    joined = int(np.count_nonzero(expected < LEAST_EXPECTED))
    if not joined:
        return table
    while joined < len(cells) and expected[order[:joined]].sum() < LEAST_EXPECTED:
        joined += 1
    alone = np.sort(order[joined:])
    return np.column_stack((table[:, alone], table[:, order[:joined]].sum(axis=1)))


def _shares(counts: Reals) -> Reals:
    shares: Reals = counts / counts.sum()
    return shares


def _pair(reference: ArrayLike, current: ArrayLike) -> tuple[Reals, Reals]:
    first, second = checked(reference, "reference"), checked(current, "current")
    if len(first) != len(second):
        raise ValueError(f"reference has {len(first)} cells and current {len(second)}; both must count the same ones.")
    return first, second


def checked(counts: Any, name: str) -> Reals:
    """Counts as doubles.

    Raises:
        ValueError: not a row of counts, a negative one, or none above zero.
    """
    array = np.asarray(counts, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one row of counts, not an array of {array.ndim} dimensions.")
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"{name}: counts are finite and not negative.")
    if not array.any():
        raise ValueError(f"{name}: nothing was counted in its {len(array)} cells.")
    return array
