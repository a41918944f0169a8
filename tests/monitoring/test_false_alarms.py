"""How often nothing is called drift, and how often drift is found: 33 real columns, resampled."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from monitoring.engine import Limits, evaluate
from tests.monitoring.building import build_profile
from tests.monitoring.worlds import alarms, window_of

REAL = {f"c{i}": column for i, column in enumerate((*load_breast_cancer().data.T, *load_wine().data.T[:3]))}


def draw(rng: np.random.Generator, rows: int, shift: float = 0.0) -> dict:
    return {name: rng.choice(column, rows) + shift * column.std() for name, column in REAL.items()}


def runs(count: int, before: int, now: int, *, shift: float = 0.0, privacy: str = "standard") -> list[int]:
    """How many columns are alarms, run by run."""
    rng = np.random.default_rng(before + now)
    found = []
    for _ in range(count):
        baseline = build_profile(draw(rng, before), privacy=privacy)
        window = window_of(draw(rng, now, shift), baseline)
        found.append(len(alarms(evaluate(baseline=baseline, window=window, limits=Limits()))))
    return found


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_windows_without_drift_are_quiet(privacy):
    """Plain PSI ≥ 0.1 would call a third of all columns drift here, in every run."""
    assert np.mean(np.array(runs(20, 1_000, 100, privacy=privacy)) > 0) <= 0.05


def test_three_tenths_of_a_deviation_are_found_in_200_rows():
    found = runs(3, 10_000, 200, shift=0.3)

    assert np.mean(found) / len(REAL) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("before", "now"), [(500, 100), (1_000, 100), (10_000, 100), (10_000, 1_000)])
def test_windows_without_drift_are_quiet_at_every_size(before, now):
    assert np.mean(np.array(runs(200, before, now)) > 0) <= 0.05


@pytest.mark.slow
def test_power_in_many_runs():
    assert np.mean(runs(40, 10_000, 200, shift=0.3)) / len(REAL) >= 0.9
    assert np.mean(runs(20, 10_000, 1_000, shift=0.5)) / len(REAL) >= 0.99
