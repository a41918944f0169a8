"""From a judgement to what there is to be alarmed about: plain functions, one alarm for each kind of trouble."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitoring.engine import ColumnVerdict, Evaluation
from monitoring.triggers.filters import SEVERITIES, rank

WORDS: Mapping[str, str] = {
    "drift": "Drift",
    "prediction_drift": "Drift of predictions",
    "missing": "Missing values",
    "new_category": "New categories",
    "schema": "Changed columns",
    "performance": "Worse performance",
    "sequential": "A small shift that lasts",
    "mismatch": "Another version than expected",
    "silence": "Silence",
    "external": "Failed verdict of another tool",
}
_OF_WINDOWS = ("drift", "prediction_drift", "missing", "new_category", "schema", "performance", "sequential")
_JUDGED = ("ok", "warn", "critical")


@dataclass(frozen=True, slots=True)
class Alarm:
    """`messages` are sentences for people, the worst first."""

    kind: str
    severity: str
    columns: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        return " ".join(self.messages)


def alarms_of(evaluation: Evaluation) -> dict[str, Alarm]:
    """By kind."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for kind, state, column, message in _troubles(evaluation):
        found.setdefault(kind, []).append((state, column, message))
    return {kind: _alarm(kind, troubles) for kind, troubles in found.items()}


def _troubles(evaluation: Evaluation) -> Iterator[tuple[str, str, str, str]]:
    for verdict in evaluation.columns:
        if verdict.state in SEVERITIES:
            yield _kind(verdict), verdict.state, verdict.column, verdict.message
    for change in evaluation.schema:
        if change.state in SEVERITIES:
            yield "schema", change.state, change.column, change.message
    performance = evaluation.performance
    if performance is not None and performance.state in SEVERITIES:
        yield "performance", performance.state, "", performance.message


def _kind(verdict: ColumnVerdict) -> str:
    if verdict.over_windows:
        return "sequential"
    if verdict.role == "prediction" and verdict.kind in ("drift", "new_category"):
        return "prediction_drift"
    return "drift" if verdict.kind == "embedding" else verdict.kind


def _alarm(kind: str, troubles: list[tuple[str, str, str]]) -> Alarm:
    worst_first = sorted(troubles, key=lambda trouble: -rank(trouble[0]))
    columns = sorted({column for _, column, _ in troubles if column})
    return Alarm(kind, worst_first[0][0], tuple(columns), tuple(message for *_, message in worst_first))


def is_over(kind: str, columns: list[str], evaluation: Evaluation) -> bool:
    """Whether this judgement, which has no alarm of that kind, says that the trouble in `columns` is over; not where it could
    not tell, for want of rows, values or labels. What comes from elsewhere than windows is never over by them.
    """
    if kind not in _OF_WINDOWS:
        return False
    if kind == "performance":
        return evaluation.performance is not None and evaluation.performance.state == "ok"
    if evaluation.state not in _JUDGED or not evaluation.rows:
        return False
    unsure = {each.column for each in evaluation.columns if each.state == "not_enough_data"}
    return kind == "schema" or not unsure.intersection(columns)
