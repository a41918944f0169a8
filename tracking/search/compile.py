"""From tree to SQL conditions: the only place where what a user wrote decides on SQL. Values are always parameters.

A condition never comes out as NULL, so that NOT means the opposite on every row. Texts are compared by code points on
every database, whatever its locale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

from django.db.models import Exists, F, FloatField, Func, Manager, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, Lookup

from tracking.limits import HEAD_LENGTH
from tracking.models import EnvironmentLock, Experiment, Run, RunInput, Series, Tag
from tracking.models import Param as ParamRow
from tracking.search import ast
from tracking.search.fields import ATTRIBUTES, Column
from tracking.search.patterns import Matches, Pattern

ORDERS: dict[str, type[Lookup]] = {
    "=": Exact,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}
DATASET_COLUMNS = {"name": "version__dataset__name", "digest": "version__digest", "context": "context"}
COMPARISONS = (ast.Compare, ast.Between, ast.Among, ast.Like, ast.IsNan)
INDEXED_ATTRIBUTES = frozenset({"id", "name", "status", "created_by", "host", "code.commit"})
POINTED_AT: dict[str, Manager[Any]] = {
    "experiment_id": Experiment.objects,
    "parent_id": Run.objects,
    "environment_id": EnvironmentLock.objects,
}
_FROM = re.compile(r'FROM "\w+" U\d+ (?=WHERE)')


class Bytewise(Func):
    """Text that is compared and sorted by code points. SQLite does so anyway."""

    template = "%(expressions)s"
    arity = 1

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template='(%(expressions)s) COLLATE "C"', **context)


class Unindexed(Func):
    """A column that is tested on rows found by another one. SQLite, which keeps no statistics of ours, could begin with it."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


class Probe(Exists):
    """EXISTS that is asked of each row at hand, and only of those that are reached.

    PostgreSQL would make a join of it, and so read all rows that pass to give the first hundred in order, because it
    takes keys and values for independent. OFFSET 0 keeps it from that; SQLite never does.

    SQLite would take the primary key, since that is unique, and then look into the table as well: twice the time. `index` is
    the one that alone tells whether there is such a row.
    """

    def __init__(self, rows: QuerySet[Any], index: str = "") -> None:
        super().__init__(rows)
        self.index = index

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        sql, values = self.as_sql(compiler, connection)
        return _FROM.sub(rf"\g<0>INDEXED BY {self.index} ", sql, count=1) if self.index else sql, values

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXISTS(%(subquery)s OFFSET 0)"
        return self.as_sql(compiler, connection, template=template, **context)  # type: ignore[call-arg]  # Subquery's own takes it


@dataclass(frozen=True, slots=True)
class Scope:
    """What the conditions are put on: rows of Run, or rows that point to a run by their column `through`.

    `one_by_one` is for reading a page in order, which ends after some hundred rows; without it, for all that pass.
    """

    through: str = ""
    one_by_one: bool = False

    def path(self, column: str) -> str:
        return f"{self.through}__{column}" if self.through else column

    @property
    def run_id(self) -> str:
        return f"{self.through}_id" if self.through else "pk"

    def has(self, rows: QuerySet[Any], index: str = "") -> Q:
        """One of `rows` belongs to the run at hand; `index` begins with the experiment, and holds all that they ask and the run."""
        mine = rows.filter(run_id=OuterRef(self.run_id))
        if not self.one_by_one:
            return Q(Exists(mine))
        if rows.model is not RunInput:  # PostgreSQL then finds an equal value in its index alone
            mine = mine.filter(experiment_id=OuterRef("experiment_id"))
        return Q(Probe(mine, index))


RUNS = Scope()


def compile_filter(expr: ast.Expr, scope: Scope) -> Q:
    """The condition that holds for exactly those runs that pass `expr`."""
    match expr:
        case ast.AllOf(parts):
            return _joined(parts, scope, Q.AND)
        case ast.AnyOf(parts):
            return _joined(parts, scope, Q.OR)
        case ast.Not(part):
            return ~compile_filter(part, scope)
        case ast.Picked(runs):
            return Q((f"{scope.run_id}__in", sorted(runs)))
        case ast.Missing(field, negated):
            return present(field, scope) if negated else ~present(field, scope)
        case _:
            return _compared(expr, scope)


def present(field: ast.Field, scope: Scope) -> Q:
    """The run has the field. A metric is there even when its value is NaN."""
    match field:
        case ast.Attribute(name):
            return _attribute(ATTRIBUTES[name], scope, lambda path: Q((f"{path}__isnull", False)))
        case ast.MetricAt():
            raise TypeError(f"{field} is read from points, before there is SQL")
        case _:
            return scope.has(rows_of(field))


@lru_cache(maxsize=256)
def rows_of(field: ast.Metric | ast.Param | ast.Tag | ast.Dataset) -> QuerySet[Any]:
    """The rows, of any run, that hold the field. Lazy, and never read as they are, so they may be shared."""
    match field:
        case ast.Metric(key):
            return Series.objects.filter(key=key)
        case ast.Param(key):
            return ParamRow.objects.filter(key=key)
        case ast.Tag(key):
            return Tag.objects.filter(key=key)
        case ast.Dataset(column):
            path = DATASET_COLUMNS[column]
            return RunInput.objects.filter(Q((f"{path}__isnull", False)) & ~Q((path, "")))


@lru_cache(maxsize=256)
def matching_rows(expr: ast.Comparison) -> QuerySet[Any]:
    """The rows, of any run, of which a comparison is true. Not for comparisons of attributes. Shared likewise: what is counted is
    then asked for.
    """
    match expr.field:
        case ast.Metric(column=column) as field:
            return _metric_rows(expr, rows_of(field), column)
        case ast.Param() as field:
            return _param_rows(expr, rows_of(field))
        case ast.Tag() as field:
            return rows_of(field).filter(_on_value(expr))
        case ast.Dataset(column=column) as field:
            return rows_of(field).filter(_on_column(expr, DATASET_COLUMNS[column]))
    raise TypeError(f"{expr.field} has no rows of its own")


def is_indexed(expr: ast.Expr) -> bool:
    """Whether an index finds what passes without looking at others: by experiment, key and value, or by a digest."""
    match expr:
        case (
            ast.Compare(field=ast.Attribute(name=name), operator="=")
            | ast.Among(field=ast.Attribute(name=name), negated=False)
        ):
            return name in INDEXED_ATTRIBUTES
        case (
            ast.Compare(field=ast.Dataset(column="digest"), operator="=")
            | ast.Among(field=ast.Dataset(column="digest"), negated=False)
        ):
            return True
        case ast.Compare(field=ast.Metric(column="last") | ast.Param() | ast.Tag(), operator=operator, value=value):
            return operator == "=" or (operator != "!=" and isinstance(value, float))
        case ast.Among(field=ast.Metric(column="last") | ast.Param() | ast.Tag(), negated=False):
            return True
        case ast.Between(field=ast.Metric(column="last") | ast.Param(), low=float(), negated=False):
            return True
    return False


def alike(parts: Iterable[ast.Expr]) -> list[tuple[ast.Expr, ...]]:
    """Parts of an AND, those that compare one metric, param or tag together: a run has one row of it, which they all test."""
    groups: dict[object, list[ast.Expr]] = {}
    for at, part in enumerate(flat(parts)):
        compared = part.field if isinstance(part, COMPARISONS) else None
        groups.setdefault(compared if isinstance(compared, ast.Metric | ast.Param | ast.Tag) else at, []).append(part)
    return [tuple(group) for group in groups.values()]


def flat(parts: Iterable[ast.Expr]) -> Iterator[ast.Expr]:
    """With the parts of an AND within an AND in its place."""
    for part in parts:
        if isinstance(part, ast.AllOf):
            yield from flat(part.parts)
        else:
            yield part


def of_one_row(part: ast.Expr, field: ast.Field | None) -> TypeGuard[ast.Comparison]:
    """Whether `part` compares something of the very row that holds `field`: the same metric, by whichever statistic, param or tag."""
    match part, field:
        case (ast.Compare() | ast.Between() | ast.Among() | ast.Like() | ast.IsNan(), ast.Metric(key)):
            return isinstance(part.field, ast.Metric) and part.field.key == key
        case (ast.Compare() | ast.Between() | ast.Among() | ast.Like(), ast.Param() | ast.Tag()):
            return part.field == field
    return False


def rows_of_all(group: Sequence[ast.Expr]) -> QuerySet[Any]:
    """The rows, of any run, of which all of a group of `alike` are true."""
    first, *others = [matching_rows(part) for part in group if isinstance(part, COMPARISONS)]
    for rows in others:
        first = first & rows
    return first


def _joined(parts: Iterable[ast.Expr], scope: Scope, connector: str) -> Q:
    """Databases test in the order written: first what is found quickly and passed by few."""
    if connector == Q.OR:
        return Q(*(compile_filter(part, scope) for part in parts), _connector=connector)
    groups = sorted(alike(parts), key=lambda group: min(map(_rank, group)))
    return Q(
        *(compile_filter(group[0], scope) if len(group) == 1 else scope.has(rows_of_all(group)) for group in groups)
    )


def _rank(expr: ast.Expr) -> int:
    match expr:
        case ast.Compare(operator="=") | ast.Among(negated=False):
            return 0
        case ast.Compare() | ast.Between():
            return 1
    return 2


def _compared(expr: ast.Comparison, scope: Scope) -> Q:
    match expr.field:
        case ast.Attribute(name):
            return _attribute(ATTRIBUTES[name], scope, lambda path: _on_column(expr, path))
        case _:
            return scope.has(matching_rows(expr), _index_of(expr))


def _index_of(expr: ast.Comparison) -> str:
    """The index that holds the one value which is asked for; empty where several or a range of them are."""
    match expr:
        case ast.Compare(field=ast.Param(), operator="=", value=float()):
            return "tracking_param_number"
        case ast.Compare(field=ast.Param(), operator="="):
            return "tracking_param_text"
        case ast.Compare(field=ast.Tag(), operator="="):
            return "tracking_tag_text"
    return ""


def _metric_rows(expr: ast.Comparison, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    if isinstance(expr, ast.IsNan):
        return rows.filter(last__isnull=not expr.negated)
    if column == "count":  # as a float, because 2.5 and infinity may be asked for
        return rows.filter(_on_column(expr, Cast("count", FloatField())))
    return rows.filter(Q((f"{column}__isnull", False)) & _on_column(expr, column))


def _param_rows(expr: ast.Comparison, rows: QuerySet[Any]) -> QuerySet[Any]:
    if is_numeric(expr):
        return rows.filter(Q(number__isnull=False) & _on_column(expr, "number"))
    return rows.filter(_on_value(expr))


def is_numeric(expr: ast.Expr) -> bool:
    """Whether it compares with a number; of a param that is none, it is then not true."""
    match expr:
        case ast.Compare(value=value) | ast.Between(low=value) | ast.Among(values=(value, *_)):
            return isinstance(value, float)
    return False


def _on_value(expr: ast.Comparison) -> Q:
    """On `value` of a param or tag, through its indexed beginning where it can be."""
    match expr:
        case ast.Compare(operator="=" | "!=", value=str(value)):
            return _negated_if(expr.operator == "!=", _equals_text([value]))
        case ast.Among(values=values):
            return _negated_if(expr.negated, _equals_text([str(value) for value in values]))
    return _on_column(expr, "value")


def _equals_text(values: list[str]) -> Q:
    condition = Q(head__in=sorted({value[:HEAD_LENGTH] for value in values}))
    if all(len(value) < HEAD_LENGTH for value in values):
        return condition
    return condition & Q(value__in=values)


def _on_column(expr: ast.Comparison, column: str | Cast | Unindexed) -> Q:
    """What `expr` asks, of a column that is not NULL."""
    match expr:
        case ast.Compare(operator=operator, value=value):
            return _negated_if(operator == "!=", _ordered("=" if operator == "!=" else operator, column, value))
        case ast.Between(low=low, high=high):
            return _negated_if(expr.negated, _ordered(">=", column, low) & _ordered("<=", column, high))
        case ast.Among(values=values):
            return _negated_if(expr.negated, _one_of(column, values))
        case ast.Like(pattern=pattern, ignore_case=ignore_case):
            return _negated_if(expr.negated, Q(Matches(_expression(column), Pattern(pattern, ignore_case))))
    raise TypeError(f"{expr} asks nothing of a column")


def _ordered(operator: str, column: str | Cast | Unindexed, value: Any) -> Q:
    left = _expression(column)
    return Q(ORDERS[operator](Bytewise(left) if isinstance(value, str) and operator != "=" else left, value))


def _one_of(column: str | Cast | Unindexed, values: tuple[ast.Value, ...]) -> Q:
    if isinstance(column, str):
        return Q((f"{column}__in", values))
    return Q(*(_ordered("=", column, value) for value in values), _connector=Q.OR)


def _expression(column: str | Cast | Unindexed) -> F | Cast | Unindexed:
    return F(column) if isinstance(column, str) else column


def _negated_if(negated: bool, condition: Q) -> Q:
    return ~condition if negated else condition


def runs_of_all(group: Sequence[ast.Comparison]) -> Q:
    """Runs of which all those comparisons of attributes are true, to be found by the index of the first."""
    first, *others = group
    return Q(compile_filter(first, RUNS), *(_beside(part) for part in others))


def _beside(part: ast.Comparison) -> Q:
    if not isinstance(part.field, ast.Attribute):
        raise TypeError(f"{part.field} is no attribute")
    return _attribute(ATTRIBUTES[part.field.name], RUNS, lambda path: _on_column(part, Unindexed(F(path))))


def _attribute(column: Column, scope: Scope, condition: Callable[[str], Q]) -> Q:
    """`condition` on a column of the run that holds something, or on the row that such a column points to."""
    if column.via:
        rows = POINTED_AT[column.via].filter(pk=OuterRef(scope.path(column.via)))
        return Q(Exists(rows.filter(condition(column.path))))
    path = scope.path(column.path)
    match column.absence:
        case "null":
            return Q((f"{path}__isnull", False)) & condition(path)
        case "empty":
            return ~Q((path, "")) & condition(path)
    return condition(path)
