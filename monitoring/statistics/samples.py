"""Two columns of numbers, by the quantile sketches of their profiles.

The columns are `ColumnProfile`s of the server or of the client; all that is asked of them is `.kll` with `.n`, `.is_exact` and
`.weighted()`. A sketch of at most k = 400 values keeps them all, and the answers are those of scipy on the raw values then.
"""

import warnings
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring.statistics.heavy import stats
from monitoring.statistics.outcome import Outcome

Reals = NDArray[np.float64]

SKETCH_ERROR = (
    0.005  # of a KS distance, when a sketch is not exact: the most that was seen in 1,314 real pairs, k = 400
)


class Sketch(Protocol):
    @property
    def n(self) -> int: ...
    @property
    def is_exact(self) -> bool: ...
    def weighted(self) -> tuple[Reals, NDArray[np.int64]]: ...


class Column(Protocol):
    @property
    def kll(self) -> Any: ...


def ks(reference: Column, current: Column) -> Outcome:
    """The two-sample Kolmogorov-Smirnov test, two-sided: the largest distance of the two distribution functions, and its p-value.

    While both sketches hold every value (n ≤ k) this is scipy's `ks_2samp(…, method="auto")`. Otherwise the p-value is the asymptotic one
    (Hodges, 1958) of the distance less 0.005, so that the sketches' own error (Karnin, Lang and Liberty, 2016) never makes an alarm.

    Raises:
        ValueError: a column without a sketch (texts, strict profiles) or without values.
    """
    a, b = sketch_of(reference, "reference"), sketch_of(current, "current")
    if a.is_exact and b.is_exact:
        with warnings.catch_warnings():
            # rounding can push scipy's exact p-value past 1; it answers with the asymptotic one then, and says so
            warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
            found = stats().ks_2samp(_values(a), _values(b))
        return Outcome(float(found.statistic), float(found.pvalue))
    _, first, second = _distribution_functions(a, b)
    distance = float(np.max(np.abs(first - second)))
    size = a.n * b.n / (a.n + b.n)
    p_value = stats().kstwo.sf(max(0.0, distance - SKETCH_ERROR), max(1, round(size)))
    return Outcome(distance, float(np.clip(p_value, 0.0, 1.0)))


def wasserstein(reference: Column, current: Column) -> float:
    """The first Wasserstein distance (earth mover's), in the column's unit: the area between the distribution functions (Vallender, 1974).

    As scipy's `wasserstein_distance` of the values. Infinite values lie infinitely far from all others: the distance is infinite unless the
    same share of both columns is infinite.

    Raises:
        ValueError: as `ks`.
    """
    values, first, second = _distribution_functions(sketch_of(reference, "reference"), sketch_of(current, "current"))
    apart = np.abs(first - second)[:-1]
    moved = apart > 0
    with np.errstate(over="ignore"):
        steps = np.diff(
            values
        )  # inf from an infinite value to its neighbour, and where the step is too wide for a double
        return float(np.sum(apart[moved] * steps[moved]))


def sketch_of(column: Column, name: str) -> Sketch:
    """The column's quantile sketch, with something in it.

    Raises:
        ValueError: there is none, or it is empty.
    """
    sketch: Sketch | None = column.kll
    if sketch is None:
        raise ValueError(f"{name}: no quantile sketch; texts have none, nor do columns of strict profiles.")
    if not sketch.n:
        raise ValueError(f"{name}: the column has no values.")
    return sketch


def _values(sketch: Sketch) -> Reals:
    return np.repeat(*sketch.weighted())


def _distribution_functions(a: Sketch, b: Sketch) -> tuple[Reals, Reals, Reals]:
    """All values of either, ascending, and the share of each sketch at or below them."""
    (left, left_weights), (right, right_weights) = a.weighted(), b.weighted()
    values = np.union1d(left, right)
    return values, _shares_below(values, left, left_weights), _shares_below(values, right, right_weights)


def _shares_below(at: Reals, values: Reals, weights: NDArray[np.int64]) -> Reals:
    below = np.concatenate(([0], np.cumsum(weights)))
    shares: Reals = below[np.searchsorted(values, at, side="right")] / below[-1]
    return shares
