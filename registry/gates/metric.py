"""The `metric` gate: a question about the metrics of the version's run, and of the current holder's.

kind = "metric"
expr = "auc >= champion.auc - 0.002"
dataset = "holdout"            # optional: name, context or sha256:… of an input that the run has to have used
champion_absent = "pass"       # or "fail", "missing": when nothing holds the environment yet
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.codec import number
from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.expression import (
    MAX_LENGTH,
    Expression,
    Metric,
    MissingMetric,
    NotComputable,
    parse,
)
from registry.gates.fields import Fields
from tracking import selectors as tracking
from tracking.models import DatasetVersion, Run, RunInput

ABSENT = {"pass": Status.PASS, "fail": Status.FAIL, "missing": Status.MISSING}


def read(fields: Fields) -> Spec:
    spec: dict[str, Any] = {
        "expr": fields.text("expr", longest=MAX_LENGTH, check=_checked),
        "champion_absent": fields.choice("champion_absent", list(ABSENT), default="pass"),
    }
    dataset = fields.optional_text("dataset", longest=250)
    return spec | ({"dataset": dataset} if dataset else {})


def judge(spec: Spec, case: Case) -> Finding:
    """Pass or fail by the expression; missing where a metric or the named dataset is; error where nothing computes."""
    expression = parse(spec["expr"])
    champion = case.champion if expression.needs_champion else None
    if expression.needs_champion and champion is None:
        return Finding(ABSENT[spec["champion_absent"]], detail=f"Nothing holds '{case.environment.name}' yet.")
    runs = {False: case.version.run} | ({True: champion.run} if champion is not None else {})
    evidence: list[str] = []
    if "dataset" in spec:
        evidence, trouble = _measured_on(spec["dataset"], list(runs.values()))
        if trouble:
            return Finding(Status.MISSING, evidence=evidence, detail=trouble)
    evidence += _sources(expression, runs)
    return _judged(expression, runs, evidence)


def _judged(expression: Expression, runs: Mapping[bool, Run], evidence: Sequence[str]) -> Finding:
    summaries = {of_champion: tracking.metric_summaries(run) for of_champion, run in runs.items()}
    try:
        verdict = expression.judge(lambda metric: _value(metric, summaries[metric.of_champion]))
    except MissingMetric as exc:
        return Finding(Status.MISSING, evidence=evidence, detail=_not_logged(exc.metric, runs))
    except NotComputable as exc:
        return Finding(Status.ERROR, evidence=evidence, detail=str(exc))
    status = Status.PASS if verdict.passed else Status.FAIL
    return Finding(status, observed=_plain(verdict.observed), limit=number(verdict.limit), evidence=evidence)


def _value(metric: Metric, summaries: Mapping[str, Any]) -> float:
    summary = summaries.get(metric.key)
    if summary is None:
        raise MissingMetric(metric)
    value = getattr(summary, metric.statistic)
    return math.nan if value is None else float(value)  # None says that the metric was logged as NaN


def _not_logged(metric: Metric, runs: Mapping[bool, Run]) -> str:
    run = runs[metric.of_champion]
    return f"The run {run.uuid.hex} of the {_who(metric.of_champion)} has not logged '{metric.key}'."


def _who(of_champion: bool) -> str:
    return "current holder" if of_champion else "version"


def _sources(expression: Expression, runs: Mapping[bool, Run]) -> list[str]:
    named = {(metric.of_champion, metric.key) for metric in expression.root.metrics}
    return [f"run:{runs[of_champion].uuid.hex}/metrics/{key}" for of_champion, key in sorted(named)]


def _measured_on(wanted: str, runs: Sequence[Run]) -> tuple[list[str], str]:
    """The dataset's digests as evidence, and what is wrong. Two runs are compared on the same digest or not at all."""
    found: list[DatasetVersion] = []
    for run in runs:
        versions = _inputs(run, wanted)
        if not versions:
            return [], f"The run {run.uuid.hex} has not used a dataset '{wanted}'."
        found += versions
    digests = sorted({version.digest or f"{version.dataset.name} (no digest)" for version in found})
    if len(runs) > 1 and len(digests) > 1:
        return digests, f"The two runs were measured on different versions of '{wanted}': {', '.join(digests)}."
    return digests, ""


def _inputs(run: Run, wanted: str) -> list[DatasetVersion]:
    inputs = RunInput.objects.filter(run=run).select_related("version__dataset").order_by("id")
    return [used.version for used in inputs if wanted in {used.version.dataset.name, used.context, used.version.digest}]


def _plain(observed: float | Mapping[str, float]) -> Any:
    if isinstance(observed, Mapping):
        return {name: number(value) for name, value in observed.items()}
    return number(observed)


def _checked(text: str) -> str:
    """Fields take a ValueError's text as the reason, and BadExpression is one."""
    return parse(text).text


register(Gate("metric", read, judge))
