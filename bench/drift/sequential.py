"""Looking every day for a year: alarms without drift, and days until a small one is found."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lineal._profiles.kll import Kll

from bench.drift.data import Column, real_numbers
from bench.sheet import Sheet, share
from monitoring.statistics import cusum_step, ks

RUNS = 200
FOUND_RUNS = 100
DAYS = 365
ROWS = 1_000
ALARM = 1_000.0
ALPHA = 0.05


@dataclass(frozen=True)
class Sketched:
    """All that the test asks of a column."""

    kll: Kll


def measure(folder: Path) -> list[Sheet]:
    rows = [_year(before) for before in (100_000, 10_000, 2_000)]
    found = [f"+{shift:g} sd, {_days_until(100_000, shift)}" for shift in (0.05, 0.1, 0.2)]
    return [
        Sheet(
            "sequential",
            "A year of windows",
            ("rows of the baseline", f"years with an alarm (M ≥ {ALARM:,.0f})", f"windows with p < {ALPHA}, a year"),
            rows,
            f"{RUNS} years without drift, {DAYS} windows of {ROWS:,} rows each: a real column, drawn anew, judged by KS on sketches; M is"
            f" the e-CUSUM. With 100,000 rows before, windows until a shift is found, in {FOUND_RUNS} runs: {'; '.join(found)}."
            " A baseline of fewer than 20 times the window's rows breaks the guarantee, which is why Lineal warns of it.",
        )
    ]


def _sketched(values: Column) -> Sketched:
    return Sketched(Kll.of_sorted(np.sort(values)))


def _year(before: int) -> list[str]:
    rng = np.random.default_rng(before)
    alarms, naive = 0, 0
    for _ in range(RUNS):
        column = _column(rng)
        reference = _sketched(rng.choice(column, before))
        evidence, loudest = 1.0, 1.0
        for _ in range(DAYS):
            p_value = ks(reference, _sketched(rng.choice(column, ROWS))).p_value
            evidence = cusum_step(evidence, p_value)
            loudest = max(loudest, evidence)
            naive += p_value < ALPHA
        alarms += loudest >= ALARM
    return [f"{before:,}", share(alarms / RUNS), f"{naive / RUNS:.1f}"]


def _days_until(before: int, shift_sd: float) -> str:
    rng = np.random.default_rng(7)
    days = []
    for _ in range(FOUND_RUNS):
        column = _column(rng)
        reference = _sketched(rng.choice(column, before))
        evidence, day = 1.0, 0
        while evidence < ALARM and day < DAYS:
            day += 1
            moved = rng.choice(column, ROWS) + shift_sd * column.std()
            evidence = cusum_step(evidence, ks(reference, _sketched(moved)).p_value)
        days.append(day)
    return f"median {np.median(days):g}, nine in ten within {np.quantile(days, 0.9):.0f}"


def _column(rng: np.random.Generator) -> Column:
    columns = list(real_numbers().values())
    return columns[rng.integers(len(columns))]
