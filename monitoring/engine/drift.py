"""Has a column's distribution moved?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.engine.cells import Compared, comparable, is_same
from monitoring.engine.findings import Finding, graded
from monitoring.engine.limits import Limits
from monitoring.engine.results import State, finite, worst
from monitoring.engine.wording import largest_move, number
from monitoring.profiles.parts import ColumnProfile
from monitoring.profiles.reference import is_categorical
from monitoring.statistics import (
    LEAST_WINDOWS,
    Outcome,
    chi_square,
    js_distance,
    ks,
    l_infinity,
    psi,
    psi_limit,
    wasserstein,
    window_calibrated,
)

KIND = "drift"
_DATES = frozenset({"ts", "ts_utc", "date"})


@dataclass(frozen=True, slots=True)
class Pair:
    """A column in the baseline and in the window, and in windows that people accepted as normal."""

    name: str
    reference: ColumnProfile
    current: ColumnProfile
    windows: Sequence[ColumnProfile] = ()


def find_drift(pair: Pair, *, limits: Limits, key: bytes | None) -> Finding:
    """Compare with the accepted windows where there are enough to learn from, else with the baseline."""
    unjudged = _unjudged(pair, limits)
    if unjudged is not None:
        return unjudged
    baseline = comparable(pair.reference, pair.current, key)
    if baseline is None:
        return _silent(pair, "no_reference", "the baseline and the window have no counts over the same cells")
    compared, test, outcome = _tested(pair, baseline)
    effects = _effects(pair, compared, limits)
    if compared is not baseline:
        effects["psi_baseline"] = psi(baseline.reference, baseline.current)
    numbers = f"PSI {effects['psi']:.2f}, p {_p(outcome.p_value)}"
    moved = f"PSI {effects['psi']:.2f}; {largest_move(compared.reference, compared.current, compared.names)}"
    since = "" if compared is baseline else f", beside {len(pair.windows)} accepted windows"
    return Finding(
        column=pair.name,
        role=pair.current.role,
        kind=KIND,
        grade=_grade(effects, limits, is_categorical(pair.reference)),
        calm=f"{pair.name}: no drift that matters ({numbers}{since}).",
        alarm=f"{pair.name}: the distribution moved ({moved}{since}).",
        test=test,
        outcome=outcome,
        effects=effects,
        judged=pair.current.role != "label",
    )


def _unjudged(pair: Pair, limits: Limits) -> Finding | None:
    if not pair.reference.present:
        return _silent(pair, "no_reference", "the baseline has no values to compare with")
    if pair.current.present < limits.least_rows:
        few = f"{number(pair.current.present)} values are too few to judge, {number(limits.least_rows)} are needed"
        return _silent(pair, "not_enough_data", few)
    if pair.current.type in _DATES and not limits.judge_dates:
        return _silent(pair, "ok", "dates move by themselves and are not judged")
    return None


def _silent(pair: Pair, state: State, why: str) -> Finding:
    return Finding(pair.name, pair.current.role, KIND, state, f"{pair.name}: {why}.")


def _tested(pair: Pair, baseline: Compared) -> tuple[Compared, str, Outcome]:
    """What was compared, by which test, and what it says."""
    calibrated = _among_windows(pair, baseline)
    if calibrated is not None:
        return calibrated
    sketches = (pair.reference.kll, pair.current.kll)
    if not is_categorical(pair.reference) and all(sketch is not None and sketch.n for sketch in sketches):
        return baseline, "ks", ks(pair.reference, pair.current)
    return baseline, "chi_square", chi_square(baseline.reference, baseline.current)


def _among_windows(pair: Pair, baseline: Compared) -> tuple[Compared, str, Outcome] | None:
    """The test that knows how windows vary, if there are two weeks of windows over the same cells."""
    hist = pair.current.hist
    if hist is None:
        return None
    rows = [
        each.hist.counts for each in pair.windows if each.hist is not None and is_same(each.hist, hist) and each.present
    ]
    if len(rows) < LEAST_WINDOWS:
        return None
    outcome = window_calibrated(rows, hist.counts)
    if outcome is None:
        return None
    names = baseline.names if baseline.pinned else tuple(f"cell {i + 1}" for i in range(len(hist.counts)))
    return Compared(np.sum(rows, axis=0), hist.counts, names, pinned=True), "window_calibrated", outcome


def _effects(pair: Pair, compared: Compared, limits: Limits) -> dict[str, float | None]:
    rows = int(compared.reference.sum()), int(compared.current.sum())
    return {
        "psi": psi(compared.reference, compared.current),
        "psi_limit": psi_limit(*rows, cells=len(compared.names), alpha=limits.fdr),
        "js": js_distance(compared.reference, compared.current),
        "l_infinity": l_infinity(compared.reference, compared.current),
        "wasserstein_sd": _wasserstein_sd(pair),
    }


def _wasserstein_sd(pair: Pair) -> float | None:
    """W1 in the baseline's standard deviations, where both have sketches and the baseline varies."""
    reference, current = pair.reference, pair.current
    if reference.kll is None or current.kll is None or not reference.kll.n or not current.kll.n or not reference.m2:
        return None
    sd = math.sqrt(reference.m2 / reference.finite)
    return finite(wasserstein(reference, current) / sd) if 0 < sd < math.inf else None


def _grade(effects: dict[str, float | None], limits: Limits, categorical: bool) -> State:
    """By PSI, and for categories by the share of a single one as well."""
    states = [graded(effects["psi"] or 0.0, limits.psi_warn, limits.psi_critical)]
    if categorical:
        states.append(graded(effects["l_infinity"] or 0.0, limits.linf_warn, limits.linf_critical))
    return worst(states)


def _p(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"
