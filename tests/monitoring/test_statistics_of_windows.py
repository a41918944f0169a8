"""Many columns, many windows, and windows that vary by themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.statistics import (
    LEAST_WINDOWS,
    benjamini_hochberg,
    calibrated,
    chi_square,
    cusum_step,
    window_calibrated,
)

SHARES = np.full(10, 0.1)


def test_adjusted_p_values_are_those_of_the_paper():
    """p·m / rank, from the largest down: the example of Benjamini and Hochberg's table 1, first five."""
    assert benjamini_hochberg([0.0001, 0.0004, 0.0019, 0.0095, 0.0201]) == pytest.approx(
        [0.0005, 0.001, 0.0019 * 5 / 3, 0.0095 * 5 / 4, 0.0201]
    )
    assert benjamini_hochberg([0.02, 0.01]) == pytest.approx([0.02, 0.02])
    assert benjamini_hochberg([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_adjusting_never_helps_an_alarm_and_keeps_the_order(p_values):
    adjusted = benjamini_hochberg(p_values)

    assert (adjusted >= np.array(p_values) - 1e-15).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= -1e-15).all()


def test_p_values_outside_of_their_range_are_refused():
    with pytest.raises(ValueError):
        benjamini_hochberg([0.5, 1.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        cusum_step(1.0, -0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        cusum_step(1.0, float("nan"))


def test_evidence_grows_with_small_p_values_and_never_falls_below_its_start():
    assert cusum_step(1.0, 0.01) == pytest.approx(5)
    assert cusum_step(5.0, 0.01) == pytest.approx(25)
    assert cusum_step(0.2, 1.0) == 0.5
    assert cusum_step(1.0, 0.0) < cusum_step(1e300, 0.0) == 1e300


def test_evidence_of_nothing_has_mean_one():
    """An e-value: its mean over uniform p-values is 1, which is what the length of runs rests on."""
    middles = (np.arange(1_000_000) + 0.5) / 1_000_000

    assert np.mean([cusum_step(1.0, p) for p in middles[::10]]) == pytest.approx(1, abs=0.01)


def false_alarms(windows: int, *, spread: float, runs: int = 300, alpha: float = 0.05) -> tuple[float, float]:
    """How often the calibrated and the naive test fire when windows vary by themselves by `spread`, and nothing else happens."""
    rng = np.random.default_rng(0)
    calibrated_fires = naive_fires = 0
    for _ in range(runs):
        days = [
            rng.multinomial(1_000, rng.dirichlet(SHARES / spread) if spread else SHARES) for _ in range(windows + 1)
        ]
        *history, today = days
        calibrated_fires += window_calibrated(history, today).p_value <= alpha
        naive_fires += chi_square(np.sum(history, axis=0), today).p_value <= alpha
    return calibrated_fires / runs, naive_fires / runs


@pytest.mark.parametrize("windows", [14, 30, 90])
def test_natural_variation_makes_no_alarms(windows):
    ours, naive = false_alarms(windows, spread=0.002)

    assert naive > 0.24
    assert ours <= 0.09


def test_calibration_costs_little_when_windows_do_not_vary():
    ours, naive = false_alarms(30, spread=0.0)

    assert 0.02 <= naive <= 0.09
    assert 0.02 <= ours <= 0.09


def test_a_real_shift_is_still_found():
    rng = np.random.default_rng(0)
    history = [rng.multinomial(1_000, rng.dirichlet(SHARES / 0.002)) for _ in range(30)]
    moved = np.array([0.25, 0.15, *[0.075] * 8])

    assert window_calibrated(history, rng.multinomial(1_000, moved)).p_value < 1e-4


def test_calibration_needs_two_weeks_of_the_same_cells():
    with pytest.raises(ValueError, match="at least 14 windows with counts, not 13"):
        window_calibrated([[5, 5]] * 13 + [[0, 0]], [5, 5])
    with pytest.raises(ValueError, match="same 3 cells"):
        window_calibrated([[5, 5]] * LEAST_WINDOWS, [5, 5, 5])


def test_where_nothing_varies_nothing_is_learnt():
    assert window_calibrated([[500, 500]] * 14, [300, 700]) is None
    assert window_calibrated([[1_000, 0]] * 14, [900, 0]) is None
    assert calibrated(3.0, [0.0] * 14, degrees=1) is None
