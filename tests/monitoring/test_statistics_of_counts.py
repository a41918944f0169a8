"""Distances and tests of counts, with scipy on the same counts as the judge."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency
from sklearn.datasets import load_breast_cancer, load_wine

from monitoring.statistics import chi_square, fisher_exact, js_distance, l_infinity, psi, psi_limit, two_proportion_z

FUNCTIONS = [psi, js_distance, l_infinity, chi_square]


@st.composite
def pairs(draw, least=0):
    cells = draw(st.integers(1, 12))
    both = draw(arrays(np.int64, (2, cells), elements=st.integers(least, 10_000)))
    both[:, draw(st.integers(0, cells - 1))] += 1
    return both[0], both[1]


def real_pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Halves of real columns, the second moved by half a deviation, over the deciles of the first."""
    found = []
    for column in (*load_breast_cancer().data.T, *load_wine().data.T):
        first, second = column[::2], column[1::2] + column.std() / 2
        edges = np.unique(np.quantile(first, np.arange(1, 10) / 10))
        found.append(
            tuple(np.bincount(np.searchsorted(edges, half), minlength=len(edges) + 1) for half in (first, second))
        )
    return found


def test_psi_is_the_formula_with_one_half_in_each_cell():
    reference, current = [10, 0, 90], [30, 20, 50]
    p = [10.5 / 101.5, 0.5 / 101.5, 90.5 / 101.5]
    q = [30.5 / 101.5, 20.5 / 101.5, 50.5 / 101.5]

    assert psi(reference, current) == pytest.approx(
        sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True)), rel=1e-14
    )


def test_js_distance_is_that_of_scipy_on_real_columns():
    for reference, current in real_pairs():
        assert js_distance(reference, current) == pytest.approx(jensenshannon(reference, current), rel=1e-12, abs=1e-15)


def test_chi_square_is_that_of_scipy_on_real_columns():
    compared = 0
    for reference, current in real_pairs():
        expected = chi2_contingency([reference, current], correction=False)
        if expected.expected_freq.min() >= 5:
            found = chi_square(reference, current)
            assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12)
            compared += 1
    assert compared > 30


def test_small_cells_are_pooled_into_one():
    reference, current = [50, 40, 3, 2, 4], [45, 50, 4, 1, 0]

    assert chi_square(reference, current) == chi_square([50, 40, 9], [45, 50, 5])


def test_what_is_pooled_takes_in_the_next_smallest_while_it_is_small_itself():
    assert chi_square([60, 30, 1], [55, 38, 0]) == chi_square([60, 31], [55, 38])


def test_one_cell_says_nothing():
    assert chi_square([5], [90]) == (0.0, 1.0)
    assert chi_square([3, 1], [2, 2]) == (0.0, 1.0)


def test_cells_that_nobody_is_in_change_no_test():
    assert chi_square([50, 0, 40], [45, 0, 50]) == chi_square([50, 40], [45, 50])


def test_a_named_pair_comes_back():
    found = chi_square([50, 40], [45, 50])

    assert found._fields == ("statistic", "p_value")


@given(pairs())
def test_symmetry_and_bounds(counts):
    reference, current = counts

    for function in (psi, js_distance, l_infinity):
        assert function(reference, current) == pytest.approx(function(current, reference), abs=1e-12)
        assert function(reference, current) >= 0
        assert function(reference, reference) == pytest.approx(0, abs=1e-7)
    assert js_distance(reference, current) <= math.sqrt(math.log(2)) + 1e-12
    assert l_infinity(reference, current) <= 1
    statistic, p_value = chi_square(reference, current)
    assert statistic >= 0
    assert 0 <= p_value <= 1
    assert chi_square(current, reference).statistic == pytest.approx(statistic, abs=1e-9)


@given(pairs(), st.randoms())
def test_the_order_of_cells_makes_no_difference(counts, random):
    order = list(range(len(counts[0])))
    random.shuffle(order)
    shuffled = [each[order] for each in counts]

    for function in (psi, js_distance, l_infinity):
        assert function(*shuffled) == pytest.approx(function(*counts), abs=1e-12)


@given(pairs(least=5))
def test_proportional_counts_are_no_drift(counts):
    reference, _ = counts

    assert js_distance(reference, reference * 7) == pytest.approx(0, abs=1e-7)
    assert l_infinity(reference, reference * 7) == pytest.approx(0, abs=1e-12)
    assert chi_square(reference, reference * 7).p_value == pytest.approx(1)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("reference", "current", "words"),
    [
        ([1, 2, 3], [1, 2], "reference has 3 cells and current 2"),
        ([1, -2], [1, 2], "reference: counts are finite and not negative"),
        ([1, 2], [1, float("nan")], "current: counts are finite"),
        ([1, 2], [1, float("inf")], "current: counts are finite"),
        ([], [], "reference: nothing was counted in its 0 cells"),
        ([0, 0], [1, 2], "reference: nothing was counted in its 2 cells"),
        ([1, 2], [0, 0], "current: nothing was counted"),
        ([[1, 2]], [1, 2], "reference: expected one row"),
        (3, [1, 2], "reference: expected one row"),
    ],
)
def test_what_is_no_pair_of_counts_is_refused(function, reference, current, words):
    with pytest.raises(ValueError, match=words):
        function(reference, current)


def test_p_values_are_uniform_when_nothing_changed():
    rng = np.random.default_rng(0)
    shares = np.array([0.4, 0.25, 0.2, 0.1, 0.05])

    p_values = [chi_square(rng.multinomial(1_000, shares), rng.multinomial(400, shares)).p_value for _ in range(2_000)]

    assert np.histogram(p_values, 10, (0, 1))[0] / 2_000 == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(("reference_rows", "current_rows"), [(1_000, 200), (10_000, 1_000), (500, 500)])
def test_the_limit_of_psi_is_exceeded_by_chance_as_often_as_it_says(reference_rows, current_rows):
    """0.1 would be exceeded in most windows of 100 rows, and in none of 10,000: the limit follows the sample."""
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)

    limit = psi_limit(reference_rows, current_rows, cells=10, alpha=0.05)
    over = np.mean(
        [
            psi(rng.multinomial(reference_rows, shares), rng.multinomial(current_rows, shares)) > limit
            for _ in range(2_000)
        ]
    )

    assert 0.03 <= over <= 0.07


def test_a_limit_needs_rows_and_cells():
    assert psi_limit(10, 10, cells=1, alpha=0.01) == 0
    with pytest.raises(ValueError, match="needs rows on both sides"):
        psi_limit(0, 10, cells=3, alpha=0.01)


def test_the_z_of_two_shares_is_the_root_of_their_chi_square():
    z, p_value = two_proportion_z(30, 1_000, 25, 400)

    expected = chi2_contingency([[30, 970], [25, 375]], correction=False)
    assert z > 0
    assert (z**2, p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert two_proportion_z(25, 400, 30, 1_000).statistic == pytest.approx(-z)


@pytest.mark.parametrize("test", [two_proportion_z, fisher_exact])
def test_shares_without_a_difference_or_rows(test):
    assert test(0, 10, 0, 20) == (0, 1)
    assert test(10, 10, 20, 20) == (0, 1)
    with pytest.raises(ValueError, match="current: a share needs rows"):
        test(0, 10, 0, 0)
    with pytest.raises(ValueError, match="reference: 11 of 10 rows"):
        test(11, 10, 0, 5)


def test_rare_things_are_judged_exactly():
    """Two of a hundred after none of a thousand: the normal approximation would say one in 100,000."""
    assert fisher_exact(0, 1_000, 2, 100).p_value == pytest.approx(math.comb(100, 2) / math.comb(1_100, 2))
    assert two_proportion_z(0, 1_000, 2, 100).p_value < 1e-5
