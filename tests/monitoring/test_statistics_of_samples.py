"""KS and Wasserstein distances of profiles, with scipy on the raw values as the judge."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from monitoring.profiles import Kll
from monitoring.profiles.kll import merge
from monitoring.statistics import ks, wasserstein
from tests.monitoring.building import build_kll, build_profile

REAL = [
    column
    for load in (load_iris, load_wine, load_breast_cancer, load_diabetes, load_digits)
    for column in load().data.T
    if len(np.unique(column)) > 2
]
SHIFTS = {
    "none": lambda x: x,
    "a tenth of a deviation": lambda x: x + 0.1 * x.std(),
    "half a deviation": lambda x: x + 0.5 * x.std(),
    "wider": lambda x: x * 1.3,
    "a tail": lambda x: np.where(np.arange(len(x)) % 10 == 0, x.mean() + 3 * x.std(), x),
    "rounded": lambda x: np.round(x / (x.std() or 1)) * x.std(),
}


def column(values, k: int = 400) -> SimpleNamespace:
    return SimpleNamespace(kll=build_kll(np.asarray(values, float), k))


def halves(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(values))
    return values[order[::2]], values[order[1::2]]


@pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation unsuccessful")  # what it answers then is what we answer
@pytest.mark.parametrize("shift", SHIFTS)
def test_small_columns_are_judged_exactly(shift):
    """While the sketches keep every value: scipy's own answers, p-values included."""
    for seed, values in enumerate(REAL):
        first, second = (half[:400] for half in halves(values, seed))
        second = SHIFTS[shift](second)

        found, expected = ks(column(first), column(second)), ks_2samp(first, second)

        assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
        assert found.p_value == pytest.approx(expected.pvalue, abs=1e-12)
        assert wasserstein(column(first), column(second)) == pytest.approx(
            wasserstein_distance(first, second), abs=1e-9
        )


def from_parts(values: np.ndarray, parts: int) -> SimpleNamespace:
    sketches = [build_kll(part) for part in np.array_split(values, parts)]
    whole = sketches[0]
    for sketch in sketches[1:]:
        whole = merge(whole, sketch)
    return SimpleNamespace(kll=whole)


@pytest.mark.parametrize("shift", SHIFTS)
def test_large_columns_merged_from_parts_are_judged_nearly(shift):
    """100,000 against 20,000 rows, each merged from 20 parts; columns that the engine would take for numbers rather than categories."""
    ks_errors, w1_errors = [], []
    for seed, values in enumerate([column for column in REAL if len(np.unique(column)) > 64][::2]):
        rng = np.random.default_rng(seed)
        first, second = rng.choice(values, 100_000), SHIFTS[shift](rng.choice(values, 20_000))

        a, b = from_parts(first, 20), from_parts(second, 20)

        ks_errors.append(abs(ks(a, b).statistic - ks_2samp(first, second, method="asymp").statistic))
        w1_errors.append(abs(wasserstein(a, b) - wasserstein_distance(first, second)) / first.std())
    assert max(ks_errors) <= 0.006
    assert max(w1_errors) <= 0.025


def test_the_error_of_sketches_makes_no_alarm():
    """Two large samples of one distribution: p-values below 5 % come less often than 5 %, not more."""
    rng = np.random.default_rng(0)

    p_values = [ks(column(rng.normal(size=30_000)), column(rng.normal(size=20_000))).p_value for _ in range(100)]

    assert np.mean(np.array(p_values) < 0.05) <= 0.05


def test_exact_p_values_are_uniform_when_nothing_changed():
    rng = np.random.default_rng(0)

    p_values = [ks(column(rng.normal(size=300)), column(rng.normal(size=200))).p_value for _ in range(400)]

    assert np.histogram(p_values, 5, (0, 1))[0] / 400 == pytest.approx(0.2, abs=0.07)


def test_one_sketch_that_is_not_exact_is_enough_for_caution():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=10_000), rng.normal(0.3, size=300)

    found = ks(column(first), column(second))

    assert found.statistic == pytest.approx(ks_2samp(first, second).statistic, abs=0.005)
    assert found.p_value >= ks_2samp(first, second, method="asymp").pvalue
    assert found.p_value < 1e-3


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900)


@given(numbers, numbers)
@settings(max_examples=60, deadline=None)
def test_both_are_symmetric_and_bounded(first, second):
    a, b = column(first), column(second)

    assert ks(a, b).statistic == pytest.approx(ks(b, a).statistic, abs=1e-12)
    assert 0 <= ks(a, b).p_value <= 1
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), abs=1e-9)
    assert wasserstein(a, a) == 0
    assert (
        abs(np.mean(first) - np.mean(second))
        <= wasserstein(a, b) + 0.05 * 2e6 * (len(first) + len(second) > 800) + 1e-6
    )


def test_infinite_values_are_infinitely_far():
    assert wasserstein(column([1, np.inf]), column([2, np.inf])) == 0.5
    assert wasserstein(column([-np.inf, 1]), column([0, 1])) == np.inf
    assert ks(column([-np.inf, 1]), column([0, np.inf])).statistic == 0.5


def test_columns_of_a_profile_are_taken_as_they_are():
    profile = build_profile({"a": np.arange(300.0), "b": np.arange(10.0, 310.0)})

    assert wasserstein(profile.columns["a"], profile.columns["b"]) == pytest.approx(10)


@pytest.mark.parametrize("statistic", [ks, wasserstein])
def test_columns_without_values_are_refused(statistic):
    some, empty = column([1.0]), SimpleNamespace(kll=Kll(400, 0, None, None, (np.empty(0),)))

    with pytest.raises(ValueError, match="current: the column has no values"):
        statistic(some, empty)
    with pytest.raises(ValueError, match="reference: no quantile sketch; texts have none"):
        statistic(SimpleNamespace(kll=None), some)
