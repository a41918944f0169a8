"""Baselines and windows to judge, and shorter ways to ask for what was found."""

from collections.abc import Mapping
from typing import Any

from monitoring.engine import ColumnVerdict, Evaluation, Limits, evaluate
from monitoring.profiles import DEFAULT_KEY, Profile, reference_of
from tests.monitoring.building import build_profile


def judge(
    before: Mapping[str, Any], now: Mapping[str, Any], *, privacy: str = "standard", pin: bool = True, **options: Any
) -> Evaluation:
    """The evaluation of one table against another, the second pinned to the first."""
    roles = options.pop("roles", None)
    baseline = build_profile(before, privacy=privacy, roles=roles, pin=pin)
    window = window_of(now, baseline, roles=roles, pin=pin)
    return evaluate(baseline=baseline, window=window, **{"limits": Limits(), **options})


def window_of(now: Mapping[str, Any], baseline: Profile, **options: Any) -> Profile:
    return build_profile(now, privacy=baseline.privacy, reference=reference_of(baseline, DEFAULT_KEY), **options)


def verdict(evaluation: Evaluation, column: str, kind: str = "drift") -> ColumnVerdict:
    (found,) = [each for each in evaluation.columns if (each.column, each.kind) == (column, kind)]
    return found


def alarms(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(each.column, each.kind) for each in evaluation.columns if each.state in ("warn", "critical")]
