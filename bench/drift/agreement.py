"""Statistics of profiles beside scipy on the raw values that they were made of."""

from pathlib import Path

import lineal
import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from bench.drift.data import MANY, PARTS, SHIFTS, Column, Columns, profiled, real_numbers, real_sets
from bench.sheet import Sheet
from monitoring.profiles.parts import ColumnProfile
from monitoring.statistics import js_distance, ks, psi, wasserstein

GATE = 0.1  # what people compare such statistics with
LARGE = 100_000, 20_000

Errors = dict[str, list[tuple[float, bool]]]


def measure(folder: Path) -> list[Sheet]:
    small, large = Errors(), Errors()
    for seed, columns in enumerate(real_sets().values()):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(next(iter(columns.values()))))
        halves = [{name: column[order[start::2]] for name, column in columns.items()} for start in (0, 1)]
        _compare(*halves, small)
    rng = np.random.default_rng(99)
    _compare(*({name: rng.choice(x, rows) for name, x in real_numbers().items()} for rows in LARGE), large)
    columns = sum(map(len, real_sets().values()))
    return [
        Sheet(
            "agreement",
            "Agreement with scipy on the raw values",
            ("statistic", "pairs", "median error", "99 %", "largest", f"on the other side of {GATE}"),
            [*_rows("halves", small), *_rows("100,000 and 20,000 rows", large)],
            f"{columns} columns of the sets that scikit-learn brings along, in random halves; the {len(real_numbers())} with more than"
            f" {MANY} distinct values also drawn anew, {LARGE[0]:,} against {LARGE[1]:,} rows. Six changes: {', '.join(SHIFTS)}."
            f" Every profile is merged from {PARTS} parts, sent as bytes and read by the server. Errors are absolute, those of W1 in"
            " standard deviations of the reference. “PSI from the sketch” is what PSI would be without pinned cells, where it is below"
            " 0.5. W1 of columns of few values suffers where nearly all rows have one of them: a rare value that the sketch drops is"
            " much, in standard deviations.",
        )
    ]


def _compare(reference: Columns, current: Columns, errors: Errors) -> None:
    pinned = lineal.profile(dict(reference)).reference()
    before = profiled(reference, pinned, parts=PARTS)
    for shift in SHIFTS.values():
        moved = {name: shift(column) for name, column in current.items()}
        now = profiled(moved, pinned, parts=PARTS)
        for name, column in reference.items():
            pin = pinned.columns[name].pin
            edges = pin.edges if pin.kind == "bins" else None
            _one(column, moved[name], before.columns[name], now.columns[name], edges, errors)


def _one(  # noqa: PLR0917 - two columns, raw and profiled
    first: Column, second: Column, a: ColumnProfile, b: ColumnProfile, edges: Column | None, errors: Errors
) -> None:
    sort = f"more than {MANY} values" if edges is not None else f"at most {MANY} values"
    if a.kll.is_exact and b.kll.is_exact:
        sort = "n ≤ 400"
    sd = first.std() or 1.0
    _note(errors, f"KS, {sort}", ks(a, b).statistic, ks_2samp(first, second, method="asymp").statistic)
    _note(errors, f"W1, {sort}", wasserstein(a, b) / sd, wasserstein_distance(first, second) / sd)
    raw = _counts(first, first, edges), _counts(first, second, edges)
    truth = _psi(*raw)
    _note(errors, "PSI", psi(a.hist.counts, b.hist.counts), truth)
    _note(errors, "JS", js_distance(a.hist.counts, b.hist.counts), float(jensenshannon(*raw)))
    if edges is not None and truth < 0.5:
        _note(errors, "PSI from the sketch", _psi(_sketched(a, edges), _sketched(b, edges)), truth)


def _note(errors: Errors, name: str, found: float, truth: float) -> None:
    errors.setdefault(name, []).append((abs(found - truth), (found >= GATE) != (truth >= GATE)))


def _counts(reference: Column, values: Column, edges: Column | None) -> Column:
    """Cell by cell, in the plainest way: ≤ each edge, or equal to each value of the reference."""
    if edges is not None:
        below = np.array([(values <= edge).sum() for edge in edges], dtype=float)
        return np.diff(np.concatenate(([0.0], below, [float(len(values))])))
    cells = np.array([(values == value).sum() for value in np.unique(reference)], dtype=float)
    return np.append(cells, len(values) - cells.sum())


def _psi(first: Column, second: Column) -> float:
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (first, second))
    return float(((q - p) * np.log(q / p)).sum())


def _sketched(column: ColumnProfile, edges: Column) -> Column:
    values, weights = column.kll.weighted()
    return np.bincount(np.searchsorted(edges, values), weights, len(edges) + 1)


def _rows(sort: str, errors: Errors) -> list[list[str]]:
    found = []
    for name in sorted(errors):
        off = np.array([error for error, _ in errors[name]])
        flips = sum(flipped for _, flipped in errors[name])
        figures = (np.median(off), np.quantile(off, 0.99), off.max())
        found.append([f"{name}, {sort}", f"{len(off):,}", *(f"{figure:.2g}" for figure in figures), f"{flips}"])
    return found
