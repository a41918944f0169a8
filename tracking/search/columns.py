"""Columns of a list of runs, named as the search language names what they show: `metrics.auc, min(metrics.loss), params.lr`.

Beside the fields of the language there are `duration`, and `datasets` for all that a run read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from core import clock
from tracking.limits import SEARCH_COLUMNS
from tracking.models import Run
from tracking.search.ast import Attribute, Dataset, Metric, MetricAt, Param, Tag
from tracking.search.errors import InvalidFilter
from tracking.search.fields import ATTRIBUTES, Unacceptable, field_of
from tracking.selectors.listed import ListedRun
from tracking.selectors.rows import Columns, RunRow

Kind = Literal["metrics", "params", "tags", "datasets", "attributes"]
KINDS: tuple[Kind, ...] = ("params", "metrics", "tags", "datasets", "attributes")
DURATION = "duration"
_BARE = re.compile(r"[\w/:.-]+")
_PART = re.compile(r"""(?:[^,"`]|"(?:[^"\\]|\\.)*"|`[^`]*`)+""", re.DOTALL)
LINE = "line"  # the stat of a column in which a page draws a metric's points; elsewhere there is no such column
_CALL = re.compile(r"(min|max|last|count|line)\s*\(\s*(.*?)\s*\)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"""\w+\.(?:"(?:[^"\\]|\\.)*"|`[^`]*`)""", re.DOTALL)


class InvalidColumns(InvalidFilter):
    """Columns that cannot be understood."""

    code = "invalid-columns"
    title = "Invalid columns"
    field = "columns"


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is a logged key, the name of an attribute, or of datasets "name", "digest", "context" or "". `stat` is that of a
    metric: last, min, max or count, or "line" on a page.
    """

    kind: Kind
    key: str
    stat: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind == "metrics" or self == Column("attributes", DURATION)

    @property
    def is_line(self) -> bool:
        return self.stat == LINE

    @property
    def is_ordered(self) -> bool:
        """Whether runs can be ordered by it."""
        return not self.is_line and self.kind != "datasets" and self != Column("attributes", DURATION)

    @property
    def name(self) -> str:
        """As the language writes it."""
        if self.kind == "attributes":
            return self.key
        if self.kind == "datasets":
            return f"datasets.{self.key}" if self.key else "datasets"
        name = spelled(self.kind, self.key)
        return f"{self.stat}({name})" if self.stat not in ("", "last") else name

    @property
    def title(self) -> str:
        """What stands above it: the key alone, since most columns are of different keys."""
        if self.kind == "metrics" and self.stat not in ("", "last"):
            return f"line of {self.key}" if self.is_line else f"{self.stat} {self.key}"
        return self.key or "datasets"


def spelled(kind: str, key: str) -> str:
    """A key as the search language writes it, quoted where it needs to be."""
    if _BARE.fullmatch(key) and "@" not in key:
        return f"{kind}.{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{kind}."{escaped}"'


def parse_columns(text: str, *, lines: bool = False) -> tuple[Column, ...]:
    """The columns, each once, in the order given; `line(metrics.loss)` among them where `lines` are drawn. Raises InvalidColumns."""
    found: dict[Column, None] = {}
    for match in _PART.finditer(text):
        part = match[0].strip()
        if part:
            lead = len(match[0]) - len(match[0].lstrip())
            found.setdefault(_column(part, text, match.start() + lead + 1, lines=lines))
    if len(found) > SEARCH_COLUMNS:
        raise InvalidColumns(f"At most {SEARCH_COLUMNS} columns are shown; these are {len(found)}.")
    return tuple(found)


def join_columns(columns: Iterable[Column]) -> str:
    return ",".join(column.name for column in columns)


def without_lines(columns: Iterable[Column]) -> list[Column]:
    """The last value in the place of each line, as where nothing is drawn."""
    return list(dict.fromkeys(replace(column, stat="last") if column.is_line else column for column in columns))


def fetched(columns: Iterable[Column]) -> Columns:
    """What has to be read of each run to show them."""
    keys: dict[str, list[str]] = {"params": [], "tags": [], "metrics": []}
    for column in columns:
        if column.kind in keys and column.key not in keys[column.kind]:
            keys[column.kind].append(column.key)
    return Columns(**keys)


def value_of(row: RunRow, column: Column) -> Any:
    """What the run has there; None where it has nothing. NaN is a metric whose last value was none."""
    match column.kind:
        case "params":
            return row.params.get(column.key)
        case "tags":
            return row.tags.get(column.key)
        case "metrics":
            return _metric(row, column)
        case "datasets":
            return _datasets(row, column.key)
        case "attributes":
            return OF_RUN[column.key](row.run)


def _column(part: str, text: str, position: int, *, lines: bool) -> Column:
    if part.lower() in {DURATION, f"attributes.{DURATION}"}:
        return Column("attributes", DURATION)
    if part.lower() in {"datasets", "dataset"}:
        return Column("datasets", "")
    call = _CALL.fullmatch(part)
    try:
        if call and call[1].lower() == LINE:
            return _line(call[2], lines=lines)
        return _of_field(field_of(call[2] if call else _as_quoted(part), call[1] if call else None))
    except Unacceptable as exc:
        problem = InvalidColumns(str(exc), position=position)
        problem.show_in(text)
        raise problem from exc


def _line(text: str, *, lines: bool) -> Column:
    column = _of_field(field_of(_as_quoted(text), None))
    if not lines:
        raise Unacceptable("a line is drawn on pages alone: ask for the last value here, or for its series.")
    if column.kind != "metrics":
        raise Unacceptable("a line is of a metric, such as line(metrics.loss).")
    return replace(column, stat=LINE)


def _as_quoted(part: str) -> str:
    """A key is taken as it stands, where nobody quoted it: `metrics.my loss`."""
    prefix, dot, key = part.partition(".")
    if not dot or prefix.lower() not in {"metrics", "params", "tags"} or _QUOTED.fullmatch(part) or not key:
        return part
    return spelled(prefix, key)


def _of_field(field: Any) -> Column:
    match field:
        case Metric(key, stat):
            return Column("metrics", key, stat)
        case Param(key):
            return Column("params", key)
        case Tag(key):
            return Column("tags", key)
        case Dataset(column):
            return Column("datasets", column)
        case Attribute(name):
            return Column("attributes", name)
        case MetricAt(key, step):
            raise Unacceptable(f"a column shows a whole metric: its last, min, max or count, not {key}@{step}.")
    raise TypeError(f"{field} is no column")


def _metric(row: RunRow, column: Column) -> float | int | None:
    summary = row.metrics.get(column.key)
    if summary is None:
        return None
    stat = "last" if column.is_line else column.stat or "last"
    value: float | int | None = getattr(summary, stat)
    return float("nan") if value is None and stat == "last" else value


def _datasets(row: RunRow, key: str) -> str | None:
    uses = row.inputs
    if key == "digest":
        told: Sequence[str] = [use.digest for use in uses if use.digest]
    elif key == "context":
        told = [use.context for use in uses if use.context]
    else:
        told = [use.name for use in uses]
    return ", ".join(dict.fromkeys(told)) or None


def _took(run: Run | ListedRun) -> float | None:
    """Seconds; of a run that goes on, until now."""
    end: datetime = run.ended_at or clock.now()
    return (end - run.created_at).total_seconds() if run.ended_at or run.is_running else None


def _or_none(path: str) -> Callable[[Run | ListedRun], Any]:
    return lambda run: getattr(run, path) or None


OF_RUN: Mapping[str, Callable[[Run | ListedRun], Any]] = {
    **{name: _or_none(column.path) for name, column in ATTRIBUTES.items() if not column.via},
    "id": lambda run: run.uuid.hex,
    "code.dirty": lambda run: run.code_dirty,
    "sealed": lambda run: run.sealed,
    "experiment": lambda run: run.experiment.name,
    "experiment_id": lambda run: run.experiment.uuid.hex,
    "parent": lambda run: run.parent.uuid.hex if run.parent else None,
    "environment": lambda run: run.environment.digest if run.environment else None,
    DURATION: _took,
}
"""How each attribute is read off a run that was loaded with experiment, parent and environment."""
