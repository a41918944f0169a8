"""Does the model still do what it did? Judged where enough outcomes are known; until then an estimate stands in, and is called one."""

import math
from collections.abc import Mapping

from monitoring.engine.findings import graded
from monitoring.engine.limits import Limits
from monitoring.engine.results import PerformanceVerdict, State, finite, worst
from monitoring.engine.wording import number, share
from monitoring.profiles.parts import Classification, Performance, Regression
from monitoring.statistics import (
    Measured,
    accuracy,
    auc,
    bias,
    estimate,
    log_loss,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from monitoring.statistics.heavy import stats

Readings = Mapping[str, Measured]  # an error of NaN is one that the sums do not tell

_SIDES = 2  # of an interval
_NAMES = {"auc": "AUC", "mae": "mean absolute error", "rmse": "RMSE", "r2": "R²", "log_loss": "log-loss"}


def judge_performance(
    baseline: Performance | None, window: Performance | None, limits: Limits
) -> PerformanceVerdict | None:
    """None where the window says nothing of how the model did."""
    if window is None:
        return None
    kind = "classification" if isinstance(window, Classification) else "regression"
    reference = baseline if type(baseline) is type(window) else None
    before, now = _read(reference), _read(window)
    coverage = min(1.0, window.labelled / window.predicted) if window.predicted else None
    state, message = _judge(before, now, limits)
    guess = None
    if coverage is None or coverage < limits.label_coverage or window.labelled < limits.least_rows:
        guess = _estimate(reference, window)
        state, message = "not_enough_data", _waiting(window, coverage, guess)
    metrics = {name: _interval(before.get(name), now.get(name), limits) for name in {**before, **now}}
    return PerformanceVerdict(kind, state, window.predicted, window.labelled, coverage, metrics, guess, message)


def _read(performance: Performance | None) -> Readings:
    if performance is None:
        return {}
    if isinstance(performance, Regression):
        return _known(
            mae=mean_absolute_error(performance),
            rmse=_unbounded(root_mean_squared_error(performance)),
            bias=_unbounded(bias(performance)),
            r2=_unbounded(r_squared(performance)),
        )
    area = auc(*performance.scores.values()) if len(performance.scores) == 1 else None
    return _known(
        accuracy=accuracy(performance),
        auc=None if area is None else Measured(area.value, area.error),
        log_loss=_unbounded(log_loss(performance)),
    )


def _unbounded(value: float | None) -> Measured | None:
    return None if value is None else Measured(value, math.nan)


def _known(**readings: Measured | None) -> Readings:
    return {name: reading for name, reading in readings.items() if reading is not None}


def _judge(before: Readings, now: Readings, limits: Limits) -> tuple[State, str]:
    """Worse by more than sampling explains, and by enough to matter; sampling has the share `fdr` to err in over all measures."""
    judged = [name for name in ("accuracy", "auc", "mae") if name in before and name in now]
    if not judged:
        return "no_reference", f"The baseline has no performance to compare with{_listed(now)}."
    z = float(stats().norm.isf(limits.fdr / len(judged)))
    states = {name: _state(name, before[name], now[name], z, limits) for name in judged}
    state = worst(list(states.values()))
    shown = [name for name in judged if states[name] == state]
    moves = [f"{_NAMES.get(name, name)} was {before[name].value:.3g} and is {now[name].value:.3g}" for name in shown]
    return state, f"{'Performance fell' if state != 'ok' else 'Performance held'}: {', '.join(moves)}."


def _state(name: str, before: Measured, now: Measured, z: float, limits: Limits) -> State:
    worse = now.value - before.value if name == "mae" else before.value - now.value
    if worse <= z * math.hypot(before.error, now.error):
        return "ok"
    if name != "mae":
        return graded(worse, limits.performance_drop, limits.performance_critical)
    growth = worse / before.value if before.value else math.inf
    return graded(growth, limits.error_growth, limits.error_critical)


def _interval(before: Measured | None, now: Measured | None, limits: Limits) -> dict[str, float | None]:
    """The current measure between the ends of its confidence interval at 1 - fdr, as far as its error is known."""
    z = float(stats().norm.isf(limits.fdr / _SIDES))
    return {
        "baseline": finite(before.value) if before else None,
        "current": finite(now.value) if now else None,
        "low": finite(now.value - z * now.error) if now else None,
        "high": finite(now.value + z * now.error) if now else None,
    }


def _estimate(reference: Performance | None, window: Performance) -> dict[str, float | None] | None:
    if not isinstance(reference, Classification) or not isinstance(window, Classification):
        return None
    found = estimate(reference, window)
    return None if found == (None, None) else found._asdict()


def _waiting(window: Performance, coverage: float | None, guess: Mapping[str, float | None] | None) -> str:
    if coverage is None:
        return f"{number(window.labelled)} labels came for predictions that this window has not counted: no verdict."
    known = f"Labels are known for {share(coverage)} of {number(window.predicted)} predictions, too few for a verdict"
    if guess is None:
        return f"{known}."
    said = [f"{_NAMES.get(name, name)} {value:.3g}" for name, value in guess.items() if value is not None]
    return f"{known}; estimate from the scores: {', '.join(said)}."


def _listed(readings: Readings) -> str:
    said = [f"{_NAMES.get(name, name)} is {reading.value:.3g}" for name, reading in readings.items()]
    return f"; {', '.join(said)}" if said else ""
