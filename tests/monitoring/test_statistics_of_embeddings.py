"""Embeddings drift as their rows do, by sums alone: digits of scikit-learn, 64 numbers each."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from monitoring.statistics import embedding_distance, embedding_test
from tests.monitoring.building import build_embedding

DIGITS = load_digits()


def sample(rng: np.random.Generator, rows: int, *, classes: list[int] | None = None) -> np.ndarray:
    pool = DIGITS.data if classes is None else DIGITS.data[np.isin(DIGITS.target, classes)]
    return rng.choice(pool, rows)


def shifted(rng: np.random.Generator, kind: str) -> np.ndarray:
    rows = sample(rng, 200)
    if kind == "half the classes":
        return np.concatenate((sample(rng, 150, classes=[0, 1, 2, 3, 4]), sample(rng, 50)))
    if kind == "noise":
        return rows + rng.normal(0, 4, rows.shape)
    return rows * 0.7


def test_the_distance_is_the_discrepancy_of_the_kernel():
    """Squared MMD under exp(-|x-y|²/2σ²), worked out from all pairs of rows."""
    rng = np.random.default_rng(0)
    first, second = sample(rng, 300), shifted(rng, "contrast")
    a = build_embedding(first)
    b = build_embedding(second, like=a)

    def kernel(x, y):
        return np.exp(-((x[:, None] - y) ** 2).sum(-1) / (2 * a.sigma**2))

    apart = [kernel(x, x)[~np.eye(len(x), dtype=bool)].mean() for x in (first, second)]
    assert embedding_distance(a, b) == pytest.approx(sum(apart) - 2 * kernel(first, second).mean(), abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("windows", [0, 20])
def test_nothing_changed_is_no_alarm(windows):
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(40):
        reference = build_embedding(sample(rng, 900))
        history = [build_embedding(sample(rng, 200), like=reference) for _ in range(windows)]
        alarms += embedding_test(reference, build_embedding(sample(rng, 200), like=reference), history).p_value <= 0.01
    assert alarms <= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "windows"), [("half the classes", 14), ("noise", 0), ("noise", 14), ("contrast", 0), ("contrast", 14)]
)
def test_a_shift_is_found(kind, windows):
    """A mild one only among windows, since without them the test has to allow for any scatter."""
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(20):
        reference = build_embedding(sample(rng, 900))
        history = [build_embedding(sample(rng, 200), like=reference) for _ in range(windows)]
        found += embedding_test(reference, build_embedding(shifted(rng, kind), like=reference), history).p_value <= 0.01
    assert found >= 18


def test_rows_that_are_all_the_same_have_no_scatter():
    same = build_embedding(np.ones((50, 4)), sigma=1.0)
    other = build_embedding(np.zeros((50, 4)), like=same)

    assert embedding_test(same, same) == (0, 1)
    assert embedding_distance(same, same) == 0
    assert embedding_test(same, other).p_value < 1e-6


def test_other_projections_and_no_rows_do_not_compare():
    rows = np.random.default_rng(0).normal(size=(50, 4))
    reference = build_embedding(rows)

    for compare in (embedding_distance, embedding_test):
        with pytest.raises(ValueError, match="different projections"):
            compare(reference, build_embedding(rows, seed=8))
        with pytest.raises(ValueError, match="without rows"):
            compare(reference, build_embedding(rows[:0], like=reference))
