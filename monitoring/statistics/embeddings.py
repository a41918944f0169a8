"""Embeddings, by sums of random Fourier features: how far the mean embedding of two sets of rows lies apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles import Embedding
from monitoring.profiles.parts import FREQUENCIES
from monitoring.statistics.heavy import stats
from monitoring.statistics.outcome import Outcome
from monitoring.statistics.repeated import LEAST_WINDOWS, calibrated

_LEAST_RATIO = 1.54  # below it the bound does not hold, and nothing is far from chance anyway


def embedding_distance(reference: Embedding, current: Embedding) -> float:
    """Squared distance of the mean features: an estimate of the squared maximum mean discrepancy under a Gaussian kernel, from 0 to 2.

    Rahimi and Recht, 2007; Gretton et al., 2012. What chance alone would give is taken off, so around 0 when nothing changed; no unit.

    Raises:
        ValueError: another projection (dim, seed or sigma), or no rows.
    """
    _check(reference, current)
    return max(0.0, _squared(reference, current) - _by_chance(reference, current))


def embedding_test(reference: Embedding, current: Embedding, windows: Sequence[Embedding] = ()) -> Outcome:
    """Is the distance more than chance? With 14 windows or more, beside their own distances from each other; else beside rows drawn anew.

    Each row's features have length 1, so the mean of the squared distance is known from the sums alone. How it scatters is not: the p-value
    is the largest that any scatter allows, P(χ²₁ ≥ ratio) (Székely and Bakirov, 2003), and small only where the distance leaves no doubt.

    Raises:
        ValueError: as `embedding_distance`.
    """
    _check(reference, current)
    if len(windows) >= LEAST_WINDOWS:
        found = _among_windows(windows, current)
        if found is not None:
            return found
    squared, by_chance = _squared(reference, current), _by_chance(reference, current)
    if by_chance <= 0:  # all rows of both are one and the same, or two
        return Outcome(squared, 1.0 if squared <= 0 else 0.0)
    ratio = squared / by_chance
    return Outcome(squared, float(stats().chi2.sf(ratio, 1)) if ratio > _LEAST_RATIO else 1.0)


def _among_windows(windows: Sequence[Embedding], current: Embedding) -> Outcome | None:
    for window in windows:
        _check(window, current)
    total = np.sum([_sums(window) for window in windows], axis=0)
    rows = sum(window.n for window in windows)
    usual = [_distance(_sums(each) / each.n, (total - _sums(each)) / (rows - each.n)) for each in windows]
    return calibrated(_distance(_sums(current) / current.n, total / rows), usual, degrees=2.0 * FREQUENCIES)


def _check(reference: Embedding, current: Embedding) -> None:
    first, second = ((each.dim, each.seed, each.sigma) for each in (reference, current))
    if first != second:
        raise ValueError(
            f"Embeddings of different projections do not compare: dim, seed, sigma are {first} and {second}."
        )
    if not reference.n or not current.n:
        raise ValueError("An embedding without rows does not compare.")


def _sums(embedding: Embedding) -> NDArray[np.float64]:
    """Sums of features whose squares add up to 1 for each row."""
    sums: NDArray[np.float64] = np.concatenate((embedding.cos, embedding.sin)) / np.sqrt(FREQUENCIES)
    return sums


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.sum((first - second) ** 2))


def _squared(reference: Embedding, current: Embedding) -> float:
    return _distance(_sums(reference) / reference.n, _sums(current) / current.n)


def _by_chance(reference: Embedding, current: Embedding) -> float:
    """The mean squared distance of two sets of rows with the same distribution: the variance of one row's features, times 1/n + 1/m."""
    rows = reference.n + current.n
    together = (_sums(reference) + _sums(current)) / rows
    variance = max(0.0, 1 - float(np.sum(together**2))) * rows / max(1, rows - 1)
    return variance * (1 / reference.n + 1 / current.n)
