"""The order of runs, and pages of it that begin after a cursor: keyset pages, so the last costs what the first does.

Runs without a value come last in either direction (also those whose metric is NaN), and equal ones by age, newest
first. Params sort by number, and those that are none follow by their text. Texts sort by code points of their first
HEAD_LENGTH characters.

A page is read in stages: runs that have the first key, in its order, straight from the index of its values; then, once
those are through, the runs without it by the keys that are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, FloatField, OrderBy, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Left, NullIf
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual

from tracking.limits import HEAD_LENGTH
from tracking.models import Param, Series, Tag
from tracking.search import ast
from tracking.search.compile import POINTED_AT, RUNS, Bytewise, Scope, flat, is_numeric, of_one_row, rows_of_all
from tracking.search.fields import ATTRIBUTES, Column, Kind
from tracking.search.merging import merged
from tracking.search.selection import PAGE_OF_RUNS, ROWS_OF_RUNS, Selection

Position = tuple[Any, ...]  # where a run stands: a value (or None) for each key, and its primary key


@dataclass(frozen=True, slots=True)
class SortKey:
    """One value that runs are sorted by: `column` of the run's row in `source`, which holds `field`, or an attribute of the run.

    `instead` marks the key that stands in where the one before it is missing, and is idle where it is not.
    """

    kind: Kind
    descending: bool
    source: QuerySet[Any] | Column
    column: str = ""
    field: ast.Metric | ast.Param | ast.Tag | None = None
    instead: bool = False

    @property
    def can_be_missing(self) -> bool:
        return not isinstance(self.source, Column) or self.source.absence != "never"

    def on_row(self) -> Combinable:
        """The value, on rows of `source`."""
        return self._comparable(Cast("count", FloatField()) if self.column == "count" else F(self.column))

    def on_run(self, scope: Scope) -> Combinable:
        """The value, looked up for the run at hand; NULL where it is missing."""
        if isinstance(self.source, Column):
            return self._comparable(_attribute_of(self.source, scope))
        mine = self.source.filter(run_id=OuterRef(scope.run_id))
        return Subquery(mine.values_list(self.on_row())[:1])

    def is_missing(self, scope: Scope) -> Q:
        if isinstance(self.source, Column):
            return Q(IsNull(self.on_run(scope), True))
        return ~scope.has(self.source.filter(Q((f"{self.column}__isnull", False))))

    def after(self, value: Combinable, mark: Any, *, or_missing: bool) -> Q:
        """Strictly behind `mark` in this key alone. Nothing is behind a missing value."""
        if mark is None:
            return Q(pk__in=[])
        behind = Q((LessThan if self.descending else GreaterThan)(value, mark))
        return behind | Q(IsNull(value, True)) if or_missing else behind

    def not_before(self, value: Combinable, mark: Any) -> Q:
        return Q((LessThanOrEqual if self.descending else GreaterThanOrEqual)(value, mark))

    def _comparable(self, value: Any) -> Combinable:
        return Bytewise(value) if self.kind in {"text", "status", "lifecycle"} else value


def sort_keys(order: Sequence[ast.Term]) -> tuple[SortKey, ...]:
    """What has to be compared to sort by `order`: one key per term, two for a param."""
    return tuple(key for term in order for key in _keys_of(term.field, term.descending))


def read_positions(
    selection: Selection, keys: Sequence[SortKey], *, limit: int, after: Position | None = None
) -> list[Position]:
    """The first `limit` selected runs behind `after`, as positions. One query, and one more for each key that runs out."""
    if selection.narrowed_to:
        return _sorted(selection, keys, after, limit)
    return _read(selection, (), tuple(keys), after, limit)


def _read(
    selection: Selection, lacking: tuple[SortKey, ...], keys: tuple[SortKey, ...], after: Position | None, limit: int
) -> list[Position]:
    """Runs that lack all of `lacking`, in the order of `keys`."""
    if not keys:
        return _by_age(selection, lacking, after, limit)
    first, rest = keys[0], keys[1:]
    found: list[Position] = []
    if after is None or after[0] is not None:
        found = _having(selection, lacking, keys, after, limit)
        after = None
    if len(found) < limit and first.can_be_missing and not _is_asked_for(selection, first):
        behind = after[1:] if after is not None else None
        more = _read(selection, (*lacking, first), rest, behind, limit - len(found))
        found += [(None, *position) for position in more]
    return found


def _is_asked_for(selection: Selection, key: SortKey) -> bool:
    """Whether no run without the key passes the filter, because that compares it: nobody has to look for such runs."""
    for part in _own(selection, key):
        match key.field:
            case ast.Metric(column=column):
                if not isinstance(part, ast.IsNan) and part.field == ast.Metric(key.field.key, column):
                    return True
            case ast.Param() if key.column == "number":
                if is_numeric(part):
                    return True
            case _:
                return True
    return False


def _own(selection: Selection, key: SortKey) -> list[ast.Comparison]:
    """What the filter asks, of every run that passes, of the row that holds the key."""
    parts = flat(selection.expr.parts if isinstance(selection.expr, ast.AllOf) else (selection.expr,))
    return [part for part in parts if of_one_row(part, key.field)]


def _sorted(selection: Selection, keys: Sequence[SortKey], after: Position | None, limit: int) -> list[Position]:
    """Of few runs all values are looked up, and sorted. One query."""
    values = [key.on_run(RUNS) for key in keys]
    rows = selection.runs(RUNS)
    if after is not None:
        rows = rows.filter(_behind(RUNS, keys, values, after, first_may_be_missing=True))
    named = {f"key_{number}": value for number, value in enumerate(values)}
    sorting = [_sorting(key, name, nulls_last=key.can_be_missing) for key, name in zip(keys, named, strict=True)]
    return list(rows.annotate(**named).values_list(*named, "pk").order_by(*sorting, "-pk")[:limit])


def _by_age(selection: Selection, lacking: tuple[SortKey, ...], after: Position | None, limit: int) -> list[Position]:
    each, scope = selection.of_each(), PAGE_OF_RUNS
    runs = (each or selection).runs(scope).filter(*(key.is_missing(scope) for key in lacking))
    if after is not None:
        runs = runs.filter(pk__lt=after[-1])
    if each is not None:
        return merged(runs.values_list("pk"), selection.experiments or (), ["DESC"], limit)
    return list(runs.order_by("-pk").values_list("pk")[:limit])


def _having(
    selection: Selection, lacking: tuple[SortKey, ...], keys: tuple[SortKey, ...], after: Position | None, limit: int
) -> list[Position]:
    """Runs that have the first of `keys`: read off the index of its values where it has one."""
    first, rest = keys[0], keys[1:]
    source = first.source
    own = _own(selection, first)
    if own and not isinstance(source, Column):  # a range of the index is read then, and not what lies before it
        source = source & rows_of_all(own)
        selection = selection.without(own)
    each = None if isinstance(first.source, Column) else selection.of_each()
    experiments, selection = selection.experiments, each or selection
    idle = 1 if rest and rest[0].instead else 0
    rest = rest[idle:]
    if isinstance(source, Column):
        scope = RUNS
        rows, value = selection.runs(scope), first.on_run(scope)
        rows = rows.filter(~first.is_missing(scope)) if first.can_be_missing else rows
    else:
        rows, scope, value = selection.rows(source), ROWS_OF_RUNS, first.on_row()
        rows = rows.filter(Q((f"{first.column}__isnull", False)))
    rows = rows.filter(*(key.is_missing(scope) for key in lacking))
    values = [value, *(key.on_run(scope) for key in rest)]
    if after is not None:
        marks = (after[0], *after[1 + idle :])
        rows = rows.filter(first.not_before(value, after[0]), _behind(scope, (first, *rest), values, marks))
    named = {f"key_{number}": value for number, value in enumerate(values)}
    placed: QuerySet[Any, Any] = rows.annotate(**named).values_list(*named, scope.run_id)
    if each is not None:
        order = [_direction(key, number) for number, key in enumerate((first, *rest))]
        found = merged(placed, experiments or (), [*order, "DESC"], limit)
    else:
        sorting = [
            _sorting(key, name, nulls_last=at > 0 and key.can_be_missing)
            for at, (key, name) in enumerate(zip((first, *rest), named, strict=True))
        ]
        found = list(placed.order_by(*sorting, f"-{scope.run_id}")[:limit])
    return [(row[0], *[None] * idle, *row[1:]) for row in found]


def _behind(
    scope: Scope,
    keys: Sequence[SortKey],
    values: Sequence[Combinable],
    marks: Position,
    *,
    first_may_be_missing: bool = False,
) -> Q:
    """Behind the position in the order of all keys together: behind in one, and equal in those before it."""
    behind, equal = Q(pk__in=[]), Q()
    for number, (key, value, mark) in enumerate(zip(keys, values, marks[:-1], strict=True)):
        behind |= equal & key.after(value, mark, or_missing=(number > 0 or first_may_be_missing) and key.can_be_missing)
        equal &= Q(IsNull(value, True)) if mark is None else Q(Exact(value, mark))
    return behind | (equal & Q((f"{scope.run_id}__lt", marks[-1])))


def _sorting(key: SortKey, name: str, *, nulls_last: bool) -> OrderBy:
    """Asking for NULLS LAST keeps an index from being used, so it is asked for only where there may be some."""
    return OrderBy(F(name), descending=key.descending, nulls_last=nulls_last or None)


def _direction(key: SortKey, number: int) -> str:
    return ("DESC" if key.descending else "ASC") + (" NULLS LAST" if number and key.can_be_missing else "")


def _keys_of(field: ast.Field, descending: bool) -> list[SortKey]:
    match field:
        case ast.Metric(key, column):
            return [SortKey("number", descending, Series.objects.filter(key=key), column, field)]
        case ast.Param(key):
            numbers, texts = Param.objects.filter(key=key), Param.objects.filter(key=key, number__isnull=True)
            return [
                SortKey("number", descending, numbers, "number", field),
                SortKey("text", descending, texts, "head", field, instead=True),
            ]
        case ast.Tag(key):
            return [SortKey("text", descending, Tag.objects.filter(key=key), "head", field)]
        case ast.Attribute(name):
            column_ = ATTRIBUTES[name]
            return [SortKey(column_.kind, descending, column_)]
    raise TypeError(f"{field} cannot order runs")


def _attribute_of(column: Column, scope: Scope) -> Combinable:
    if column.via:
        rows = POINTED_AT[column.via].filter(pk=OuterRef(scope.path(column.via)))
        return Subquery(rows.values_list(column.path)[:1])
    value: Combinable = F(scope.path(column.path))
    if column.kind == "text":
        value = Left(scope.path(column.path), HEAD_LENGTH)
    return NullIf(value, Value("")) if column.absence == "empty" else value
