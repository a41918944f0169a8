"""How a model did, from sums over rows whose outcome is known; and how it probably did, from scores alone."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles import Classification, Regression, Scores
from monitoring.profiles.parts import SCORE_BINS
from monitoring.statistics.heavy import optimize

Reals = NDArray[np.float64]

_MIDDLES = (np.arange(SCORE_BINS) + 0.5) / SCORE_BINS


class Measured(NamedTuple):
    """A measure with its standard error (sampling only), both in the measure's unit."""

    value: float
    error: float


class Auc(NamedTuple):
    """`bound`: binning the scores moved `value` by no more than this. `error` is the standard error of sampling."""

    value: float
    error: float
    bound: float


class Estimate(NamedTuple):
    """What accuracy and AUC should be, were the scores as well calibrated as in the reference; None where it cannot be said."""

    accuracy: float | None
    auc: float | None


def accuracy(performance: Classification) -> Measured | None:
    """Share of labelled rows that were predicted right; None without any. The error is binomial, one row added of either kind
    (Agresti and Caffo, 2000)."""
    rows = int(performance.confusion.sum())
    if not rows:
        return None
    right = int(np.trace(performance.confusion))
    share = (right + 1) / (rows + 2)
    return Measured(right / rows, math.sqrt(share * (1 - share) / (rows + 2)))


def log_loss(performance: Classification) -> float | None:
    """Mean of -ln p(true class) over scored rows, in nats; None without any."""
    return performance.log_loss / performance.scored if performance.scored else None


def auc(scores: Scores) -> Auc | None:
    """Area under the ROC curve: how often a row of the class scores above one of the others, ties counting half (Hanley and McNeil, 1982).

    Standard error after DeLong, DeLong and Clarke-Pearson (1988). Within a bin the order is unknown, so the pairs there could all count or
    none of them: `bound` is half their share. None unless both kinds of rows are there.
    """
    return _area(scores.hit.astype(np.float64), scores.miss.astype(np.float64))


def _area(hit: Reals, miss: Reals) -> Auc | None:
    hits, misses = hit.sum(), miss.sum()
    if not hits or not misses:
        return None
    below = (np.cumsum(miss) - miss / 2) / misses  # of a hit in this bin, the share of misses it beats
    above = 1 - (np.cumsum(hit) - hit / 2) / hits
    value = float(np.sum(hit * below) / hits)
    variance = _variance(hit, below, value) / hits + _variance(miss, above, value) / misses
    return Auc(value, math.sqrt(variance), float(np.sum(hit * miss) / (2 * hits * misses)))


def _variance(weights: Reals, values: Reals, mean: float) -> float:
    rows = float(weights.sum())
    return float(np.sum(weights * (values - mean) ** 2)) / max(1.0, rows - 1)


def estimate(reference: Classification, current: Classification) -> Estimate:
    """Performance without labels: scores of `current`, and how such scores turned out in `reference` (CBPE; Białek et al., 2024).

    Scores become probabilities by isotonic regression on the reference's outcomes (Zadrozny and Elkan, 2002). Accuracy at the threshold ½,
    and for two classes only: of more, the histograms of single classes do not say which score was the greatest. AUC is the classes' mean,
    one against the rest.
    """
    expected = {
        name: (scores.all, _calibrated(reference.scores[name]))
        for name, scores in current.scores.items()
        if name in reference.scores and scores.all.any()
    }
    known = {name: (rows, share) for name, (rows, share) in expected.items() if share is not None}
    if not known:
        return Estimate(None, None)
    areas = [_area(rows * share, rows * (1 - share)) for rows, share in known.values()]
    area = None if None in areas else float(np.mean([each.value for each in areas if each is not None]))
    return Estimate(_expected_accuracy(*next(iter(known.values()))) if len(current.scores) == 1 else None, area)


def _calibrated(scores: Scores) -> Reals | None:
    """For each bin, the share of rows that are of the class; None where the reference has no labels to say."""
    rows = (scores.hit + scores.miss).astype(np.float64)
    some = rows > 0
    if not some.any():
        return None
    shares = optimize().isotonic_regression(scores.hit[some] / rows[some], weights=rows[some]).x
    return np.asarray(np.interp(_MIDDLES, _MIDDLES[some], shares), np.float64)


def _expected_accuracy(rows: NDArray[np.int64], share: Reals) -> float:
    right = np.where(_MIDDLES >= 0.5, share, 1 - share)
    return float(np.sum(rows * right) / np.sum(rows))


def mean_absolute_error(performance: Regression) -> Measured | None:
    """Mean size of prediction - y, in the target's unit, with its standard error from the mean square; None without labels."""
    n = performance.labelled
    if not n or not math.isfinite(performance.absolute) or not math.isfinite(performance.squared):
        return None
    mean = performance.absolute / n
    variance = max(0.0, performance.squared / n - mean**2) * n / max(1, n - 1)
    return Measured(mean, math.sqrt(variance / n))


def root_mean_squared_error(performance: Regression) -> float | None:
    """Root of the mean square of prediction - y, in the target's unit."""
    if not performance.labelled or not math.isfinite(performance.squared):
        return None
    return math.sqrt(performance.squared / performance.labelled)


def bias(performance: Regression) -> float | None:
    """Mean of prediction - y, in the target's unit: positive when the model predicts too much."""
    if not performance.labelled or not math.isfinite(performance.error):
        return None
    return performance.error / performance.labelled


def r_squared(performance: Regression) -> float | None:
    """1 - squared error / squared deviation of y from its mean (coefficient of determination); None where y does not vary."""
    n = performance.labelled
    if not n or not all(map(math.isfinite, (performance.squared, performance.y, performance.y2))):
        return None
    scatter = performance.y2 - performance.y**2 / n
    return 1 - performance.squared / scatter if scatter > 0 else None
