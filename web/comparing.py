"""A version's metrics beside those of the version it would replace, and its model signature as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from registry.models import PolicyRevision
from tracking.models import Run
from tracking.selectors import metric_summaries
from web.directions import Direction, direction_of, questions_of, verdict

MOST_METRICS = 200  # in one table; the run's page has all
MOST_FIELDS = 500  # of a signature


@dataclass(frozen=True, slots=True)
class MetricRow:
    """Last values. `verdict` is better, worse, equal, differs (no direction is known) or "" (nothing to compare with)."""

    key: str
    value: float | None
    other: float | None
    direction: Direction | None
    verdict: str

    @property
    def difference(self) -> float | None:
        return None if self.value is None or self.other is None else self.value - self.other

    @property
    def percent(self) -> float | None:
        return self.difference / abs(self.other) * 100 if self.difference is not None and self.other else None


@dataclass(frozen=True, slots=True)
class Comparison:
    rows: Sequence[MetricRow]
    more: int

    def count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)

    @property
    def better(self) -> int:
        return self.count("better")

    @property
    def worse(self) -> int:
        return self.count("worse")


def compare(run: Run, other: Run | None, revisions: Sequence[PolicyRevision]) -> Comparison:
    """Metrics that gates or names give a direction come first. Two queries."""
    own = metric_summaries(run)
    theirs = metric_summaries(other) if other else {}
    questions = questions_of(revisions)
    rows = []
    for key in sorted(own):
        direction = direction_of(key, questions)
        value, known = own[key].last, theirs[key].last if key in theirs else None
        rows.append(MetricRow(key, value, known, direction, verdict(value, known, direction)))
    rows.sort(key=lambda row: (row.direction is None or row.direction.source == "its name", row.direction is None))
    return Comparison(rows[:MOST_METRICS], max(0, len(rows) - MOST_METRICS))


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    about: str


@dataclass(frozen=True, slots=True)
class SignaturePart:
    """Inputs, outputs or params of a signature. `raw` has what is no list of fields."""

    name: str
    fields: Sequence[Field]
    raw: str = ""
    more: int = 0


def signature_parts(signature: Any) -> list[SignaturePart]:
    """A signature in the form that MLflow writes (lists of columns or tensors, as JSON or as JSON in a string) or any other."""
    if signature is None:
        return []
    if not isinstance(signature, Mapping):
        return [SignaturePart("signature", (), indented(signature))]
    known = [name for name in ("inputs", "outputs", "params") if signature.get(name) not in (None, "")]
    parts = [_part(name, _opened(signature[name])) for name in known]
    rest = {name: value for name, value in signature.items() if name not in ("inputs", "outputs", "params")}
    return parts + ([SignaturePart("other", (), indented(rest))] if rest else [])


def _opened(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _part(name: str, value: Any) -> SignaturePart:
    if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
        value = [{"name": key, "type": each} for key, each in value.items()]
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        fields = [_field(at, each) for at, each in enumerate(value[:MOST_FIELDS])]
        return SignaturePart(name, fields, more=max(0, len(value) - MOST_FIELDS))
    return SignaturePart(name, (), value if isinstance(value, str) else indented(value))


def _field(at: int, column: Mapping[str, Any]) -> Field:
    kind, about = column.get("type", column.get("dtype", "")), []
    spec = column.get("tensor-spec")
    if isinstance(spec, Mapping):
        kind = f"tensor {spec.get('dtype', '')}".strip()
        about.append(f"shape {orjson.dumps(spec.get('shape')).decode()}")
    if "shape" in column:
        about.append(f"shape {orjson.dumps(column['shape']).decode()}")
    if column.get("required") is False or column.get("optional") is True:
        about.append("optional")
    if "default" in column:
        about.append(f"default {orjson.dumps(column['default']).decode()}")
    return Field(str(column.get("name", at)), kind if isinstance(kind, str) else indented(kind), ", ".join(about))


def indented(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value is not None else ""
