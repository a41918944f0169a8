"""Many looks: many columns at once, many windows in a row, and windows that vary by themselves."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitoring.statistics.counts import checked, pooled
from monitoring.statistics.heavy import stats
from monitoring.statistics.outcome import Outcome

LEAST_WINDOWS = 14  # below two weeks of days, variation between windows cannot be told from chance
_LEAST_DEGREES = 0.5
_SMALLEST_P = 1e-300
_LARGEST_E = 1e300  # JSON and databases have no infinity


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values, in their order. Rejecting those up to q keeps the expected share of false alarms at q.

    Benjamini and Hochberg, 1995.

    Raises:
        ValueError: a p-value outside of [0, 1].
    """
    values = np.asarray(p_values, dtype=np.float64)
    return np.asarray(stats().false_discovery_control(values), np.float64) if values.size else values


def cusum_step(evidence: float, p_value: float) -> float:
    """One step of the e-CUSUM: max(M, 1) · e, with the e-value e = ½·p^(-½) of this window's p-value; no unit.

    Each e has mean 1 at most while nothing changed (calibrator of Vovk and Wang, 2021, κ = ½), so the mean number of windows until a false
    alarm at M ≥ A is A at least (Shin, Ramdas and Rinaldo, 2024). Starts at 1 and stays finite.

    Raises:
        ValueError: a p-value outside of [0, 1].
    """
    if not 0 <= p_value <= 1:
        raise ValueError(f"A p-value lies between 0 and 1, and {p_value} does not.")
    step = 0.5 / math.sqrt(max(p_value, _SMALLEST_P))
    return min(max(evidence, 1.0) * step, _LARGEST_E)


def window_calibrated(windows: Sequence[ArrayLike], current: ArrayLike) -> Outcome | None:
    """Is the current window further from the others than they are from each other? Counts over the same cells, one row per window.

    The statistic is its chi-square against their sum; what chance makes of it is learnt from each window's chi-square against the sum of
    the other windows, by matching two moments (Satterthwaite, 1946): ν = 2·mean²/variance, between ½ and cells - 1, and X / mean is
    F(ν, ν·(W - 1)). So variation from day to day that windows have by themselves makes no alarm. None when there is nothing to learn from:
    fewer than two cells left after pooling, or windows that do not differ at all.

    Raises:
        ValueError: fewer than 14 windows with counts, or other cells.
    """
    now = checked(current, "current")
    rows = [checked(window, f"window {i}") for i, window in enumerate(windows) if np.any(window)]
    if len(rows) < LEAST_WINDOWS:
        raise ValueError(f"Calibration needs at least {LEAST_WINDOWS} windows with counts, not {len(rows)}.")
    if any(len(row) != len(now) for row in rows):
        raise ValueError(f"Each window must count the same {len(now)} cells as the current one.")
    table = pooled(np.stack([*rows, now]))
    if table.shape[1] < 2:
        return None
    history, now = table[:-1], table[-1]
    total = history.sum(axis=0)
    usual = _chi_square(total - history, history)
    return calibrated(float(_chi_square(total, now)), usual, degrees=table.shape[1] - 1)


def calibrated(statistic: float, usual: ArrayLike, *, degrees: float) -> Outcome | None:
    """`statistic` among statistics of the same kind that nothing was wrong with, taken as scaled chi-squares of at most `degrees` degrees.

    None when those are all zero: nothing varies, and nothing can be learnt.
    """
    usual = np.asarray(usual, np.float64)
    mean = float(np.mean(usual))
    if mean <= 0:
        return None
    variance = float(np.var(usual, ddof=1))
    freedom = degrees if variance <= 0 else min(max(2 * mean**2 / variance, _LEAST_DEGREES), degrees)
    return Outcome(statistic, float(stats().f.sf(statistic / mean, freedom, freedom * (len(usual) - 1))))


def _chi_square(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's statistic of two rows of counts, for each pair of rows; exactly 0 where they are proportional."""
    a, b = first.sum(axis=-1, keepdims=True), second.sum(axis=-1, keepdims=True)
    apart = (b * first - a * second) ** 2 / (a * b)
    both = first + second
    statistic: NDArray[np.float64] = np.divide(apart, both, out=np.zeros_like(apart), where=both > 0).sum(axis=-1)
    return statistic
