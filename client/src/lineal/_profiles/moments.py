"""Mean and sum of squared differences, of values at hand and of two parts (Chan, Golub and LeVeque, 1979)."""

import numpy as np
from numpy.typing import NDArray

Moments = tuple[float | None, float | None]
"""Mean and m2; None where there are no values."""

NOTHING: Moments = (None, None)


def of(values: NDArray[np.float64]) -> Moments:
    """Of finite, ascending values. Where their sum leaves the range of doubles the mean is taken of smaller ones."""
    if not len(values):
        return NOTHING
    if values[0] == values[-1]:
        return float(values[0]), 0.0
    with np.errstate(over="ignore"):
        mean = float(values.mean())
        if not np.isfinite(mean):
            mean = float((values / len(values)).sum())
        return mean, float(np.square(values - mean).sum())


def merged(n: int, ours: Moments, other_n: int, theirs: Moments) -> Moments:
    """Of both parts; which comes first makes no difference to a bit."""
    (mean, m2), (other_mean, other_m2) = ours, theirs
    if mean is None or m2 is None:
        return theirs
    if other_mean is None or other_m2 is None:
        return ours
    if mean == other_mean:
        return mean, m2 + other_m2
    total, apart = n + other_n, mean - other_mean
    between = apart * apart * (n * other_n / total)
    return mean * (n / total) + other_mean * (other_n / total), m2 + other_m2 + between
