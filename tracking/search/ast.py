"""The tree that a filter becomes: fields of runs, what is asked of them, and how questions combine. Immutable.

A comparison with something that a run does not have is false, whichever operator it uses; NOT turns false into true.
So `params.opt != 'adam'` finds runs that have an optimiser and another one, `NOT params.opt = 'adam'` also those
without. A metric whose value is NaN has nothing to compare either: only IS NAN and IS NOT NULL find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Value = float | str | bool | datetime | UUID


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of a series' summary. `last` is what a bare `metrics.<key>` means."""

    key: str
    column: Literal["last", "min", "max", "count"] = "last"


@dataclass(frozen=True, slots=True)
class MetricAt:
    """The value logged at one step, the latest by the client's clock where there are several. Read from the points; see `steps`."""

    key: str
    step: int


@dataclass(frozen=True, slots=True)
class Param:
    """Compared as a number with numbers, as text with text; a value that is no number matches no number."""

    key: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Compared as text."""

    key: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a run read. A run has many; a comparison is true if it is true of any, each comparison on its own."""

    column: Literal["name", "digest", "context"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of the run itself; `name` is a key of `fields.ATTRIBUTES`."""

    name: str


Field = Metric | MetricAt | Param | Tag | Dataset | Attribute


@dataclass(frozen=True, slots=True)
class Compare:
    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """`IN (…)`; the values are of one type."""

    field: Field
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """`LIKE` and `ILIKE`; see `patterns`."""

    field: Field
    pattern: str
    ignore_case: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends included, as in SQL."""

    field: Field
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """`IS NULL`: the run has no such metric, param, tag, dataset or attribute."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNan:
    """The value of a metric is NaN; negated: there is a value, and it is not NaN."""

    field: Metric | MetricAt
    negated: bool = False


Comparison = Compare | Among | Like | Between | Missing | IsNan


@dataclass(frozen=True, slots=True)
class Not:
    part: Expr


@dataclass(frozen=True, slots=True)
class AllOf:
    """AND. Without parts it is true: the empty filter."""

    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Picked:
    """True of these runs, by primary key: what is left of a comparison that SQL cannot make. No filter says it."""

    runs: frozenset[int]


Expr = Comparison | Picked | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Term:
    """One key of an order."""

    field: Field
    descending: bool = False
