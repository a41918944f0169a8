"""Which way a metric is better: as the gates of policies ask about it, else as its name says."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry import policies
from registry.gates.expression import BadExpression, Expression, Metric, NotComputable, parse
from registry.models import PolicyRevision

LOWER, HIGHER = "lower", "higher"
LOWER_NAMES = re.compile(
    r"(^|[^a-z])(loss|err|error|[a-z]?mse|[a-z]?mae|s?mape|logloss|nll|ppl|perplexity|brier|ece|fpr|fnr|wer|cer|eer|fid|"
    r"time|latency|duration|seconds|ms|cost)([^a-z]|$)",
    re.IGNORECASE,
)
HIGHER_NAMES = re.compile(
    r"(^|[^a-z])(auc|roc|acc|accuracy|f1|precision|recall|r2|map|ndcg|bleu|rouge|iou|dice|score|tpr|kappa|mcc|throughput)"
    r"([^a-z]|$)",
    re.IGNORECASE,
)
TRIED = (1.0, 1e6, -1e6)  # what the other metrics of an expression are taken to be while one is moved


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way a metric is better. `source` says how that is known: by a gate's id, or by the metric's name."""

    better: str
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a gate asks about metrics; `gate` is its id."""

    gate: str
    expression: Expression


def questions_of(revisions: Iterable[PolicyRevision]) -> list[Question]:
    """Of all gates on metrics, in the order they are written. Reads the policies' texts, so ask once for many metrics."""
    specs = (spec for revision in revisions for spec in policies.gate_specs(revision.text) if spec.kind == "metric")
    parsed = ((spec.id, _parsed(str(spec.spec.get("expr", "")))) for spec in specs)
    return [Question(gate, expression) for gate, expression in parsed if expression is not None]


def _parsed(text: str) -> Expression | None:
    try:
        return parse(text)
    except BadExpression:  # written for a later release
        return None


def gated_metrics(questions: Iterable[Question]) -> list[str]:
    """Keys that gates ask about, in the order they are written."""
    return list(dict.fromkeys(metric.key for each in questions for metric in each.expression.root.metrics))


def direction_of(key: str, questions: Sequence[Question]) -> Direction | None:
    """By the policies' own questions, else by what the name says; None where neither tells."""
    for question in questions:
        better = _by_expression(key, question.expression)
        if better:
            return Direction(better, f"gate {question.gate}")
    lower, higher = is_named_low(key), bool(HIGHER_NAMES.search(key))
    if lower != higher:
        return Direction(LOWER if lower else HIGHER, "its name")
    return None


def is_named_low(key: str) -> bool:
    """Whether the name speaks of something of which less is better, whatever else it speaks of."""
    return LOWER_NAMES.search(key) is not None


def _by_expression(key: str, expression: Expression) -> str | None:
    """What moving the metric far up or down does to the answer: no need to know how the question is put."""
    if not any(m.key == key and not m.of_champion for m in expression.root.metrics):
        return None
    for others in TRIED:
        high, low = (_passes(expression, key, value, others) for value in (1e9, -1e9))
        if high != low:
            return HIGHER if high else LOWER
    return None


def _passes(expression: Expression, key: str, value: float, others: float) -> bool:
    def lookup(metric: Metric) -> float:
        return value if metric.key == key and not metric.of_champion else others

    try:
        return expression.judge(lookup).passed
    except NotComputable:
        return False


def verdict(value: float | None, other: float | None, direction: Direction | None) -> str:
    """better, worse, equal, differs (no direction is known), or "" where the numbers do not tell."""
    if value is None or other is None or math.isnan(value) or math.isnan(other):
        return ""
    if value == other:
        return "equal"
    if direction is None:
        return "differs"
    return "better" if (value > other) == (direction.better == HIGHER) else "worse"
