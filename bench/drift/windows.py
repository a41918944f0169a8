"""Days differ by themselves: how often that makes an alarm, by a test that knows it and by one that does not."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drift.data import Column, real_numbers
from bench.sheet import Sheet, share
from monitoring.statistics import chi_square, window_calibrated

RUNS = 400
ROWS = 1_000
ALPHA = 0.05
STRICT = 0.01
SHIFT_SD = 0.5


def measure(folder: Path) -> list[Sheet]:
    rows = [_row(windows, spread) for spread in (0.0, 0.05, 0.1) for windows in (14, 30, 90)]
    return [
        Sheet(
            "windows",
            "Windows that vary by themselves",
            (
                "",
                f"chi-square, {ALPHA:.0%}",
                f"Lineal, {ALPHA:.0%}",
                f"Lineal, {STRICT:.0%}",
                f"finds +{SHIFT_SD:g} sd",
            ),
            rows,
            f"Share of {RUNS} runs with an alarm. In each run a real column is drawn anew, {ROWS:,} rows a day, every day moved by a"
            " normal step of the spread that is named. The last day is judged: by chi-square against all days before, and by the test that"
            f" learns from their variation. In the last column, at {STRICT:.0%}, the last day is moved by {SHIFT_SD:g} sd as well.",
        )
    ]


def _row(windows: int, spread: float) -> list[str]:
    rng = np.random.default_rng(windows)
    columns = list(real_numbers().values())
    naive, ours, found = [], [], []
    for _ in range(RUNS):
        column = columns[rng.integers(len(columns))]
        edges = np.unique(np.quantile(column, np.arange(1, 10) / 10))
        days = [_day(column, edges, rng.normal(0, spread), rng) for _ in range(windows + 1)]
        *history, today = days
        naive.append(chi_square(np.sum(history, axis=0), today).p_value)
        ours.append(_calibrated(history, today))
        found.append(_calibrated(history, _day(column, edges, rng.normal(0, spread) + SHIFT_SD, rng)))
    shares = (np.mean(np.array(naive) <= ALPHA), np.mean(np.array(ours) <= ALPHA), np.mean(np.array(ours) <= STRICT))
    told = f"{windows} days, " + (f"spread {spread:g} sd" if spread else "no spread")
    return [told, *(share(float(each)) for each in shares), share(float(np.mean(np.array(found) <= STRICT)))]


def _day(column: Column, edges: Column, moved_sd: float, rng: np.random.Generator) -> NDArray[np.int64]:
    values = rng.choice(column, ROWS) + moved_sd * column.std()
    return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)


def _calibrated(history: list[NDArray[np.int64]], today: NDArray[np.int64]) -> float:
    outcome = window_calibrated(history, today)
    return outcome.p_value if outcome is not None else 1.0
