"""`metrics.<key>@<step>`: the one thing a filter may ask that no column holds. It is read from the points, run by run.

Which runs have to be read is what the rest of the filter leaves; of them there may be SEARCH_STEP_RUNS. Each comparison
then becomes the set of runs that it is true of, and the filter is compiled as any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import assert_never

from django.db.models import QuerySet, Sum

from core.time_limits import Deadline
from tracking.limits import SEARCH_STEP_POINTS, SEARCH_STEP_RUNS, SEARCH_STEPS
from tracking.metrics import codec
from tracking.metrics.points import Points
from tracking.models import Batch, Chunk, Run, Series
from tracking.search import ast
from tracking.search.errors import InvalidFilter, SearchTooWide

ValueOfRun = dict[int, float]  # by primary key; NaN where that was logged
_Noted = dict[int, tuple[int, float]]  # when by the client's clock, and what


def asked_in(expr: ast.Expr) -> set[ast.MetricAt]:
    """The values at one step that the filter compares."""
    return {part.field for part in _comparisons(expr) if isinstance(part.field, ast.MetricAt)}


def without(expr: ast.Expr) -> ast.Expr:
    """What every run that passes `expr` passes as well, and that compares no value at one step."""
    parts = expr.parts if isinstance(expr, ast.AllOf) else (expr,)
    return ast.AllOf(tuple(part for part in parts if not asked_in(part)))


def resolved(expr: ast.Expr, candidates: QuerySet[Run], deadline: Deadline) -> ast.Expr:
    """`expr` with each comparison of a value at one step replaced by the `candidates` that it is true of.

    Two queries for each value, and two for all. A batch is decoded once, whatever is asked of it. Raises SearchTooWide, and
    InvalidFilter for too many values.
    """
    asked = asked_in(expr)
    if len(asked) > SEARCH_STEPS:
        raise InvalidFilter(f"A filter compares at most {SEARCH_STEPS} values at one step; this one {len(asked)}.")
    return _replaced(expr, _read(asked, candidates, deadline))


def _comparisons(expr: ast.Expr) -> Iterator[ast.Comparison]:
    match expr:
        case ast.AllOf(parts) | ast.AnyOf(parts):
            for part in parts:
                yield from _comparisons(part)
        case ast.Not(part):
            yield from _comparisons(part)
        case ast.Picked():
            return
        case _:
            yield expr


def _replaced(expr: ast.Expr, values: dict[ast.MetricAt, ValueOfRun]) -> ast.Expr:
    match expr:
        case ast.AllOf(parts) | ast.AnyOf(parts):
            return type(expr)(tuple(_replaced(part, values) for part in parts))
        case ast.Not(part):
            return ast.Not(_replaced(part, values))
        case ast.Picked():
            return expr
    return _picked(expr, values[expr.field]) if isinstance(expr.field, ast.MetricAt) else expr


def _picked(expr: ast.Comparison, values: ValueOfRun) -> ast.Expr:
    if isinstance(expr, ast.Missing):
        present = ast.Picked(frozenset(values))
        return present if expr.negated else ast.Not(present)
    return ast.Picked(frozenset(run for run, value in values.items() if _holds(expr, value)))


def _holds(expr: ast.Comparison, value: float) -> bool:
    """As in SQL: NaN has nothing to compare."""
    if isinstance(expr, ast.IsNan):
        return math.isnan(value) != expr.negated
    if math.isnan(value):
        return False
    match expr:
        case ast.Compare(operator=operator, value=float(other)):
            return _compares(value, operator, other)
        case ast.Between(low=float(low), high=float(high), negated=negated):
            return (low <= value <= high) != negated
        case ast.Among(values=others, negated=negated):
            return (value in others) != negated
    raise TypeError(f"{expr} asks nothing of a number")


def _compares(value: float, operator: ast.Operator, other: float) -> bool:
    match operator:
        case "=":
            return value == other
        case "!=":
            return value != other
        case "<":
            return value < other
        case "<=":
            return value <= other
        case ">":
            return value > other
        case ">=":
            return value >= other
    assert_never(operator)


def _read(asked: set[ast.MetricAt], candidates: QuerySet[Run], deadline: Deadline) -> dict[ast.MetricAt, ValueOfRun]:
    """Batches before chunks: a worker moves points from the one to the other in one transaction, so all are seen."""
    having = {field: _runs_having(field, candidates) for field in asked}
    fresh = _in_batches(having, deadline)
    values = {}
    for field, runs in having.items():
        found = _in_chunks(field, runs, deadline)
        for run, (time, value) in fresh[field].items():
            _note(found, run, time, value)
        values[field] = {run: value for run, (_, value) in found.items()}
    return values


def _runs_having(field: ast.MetricAt, candidates: QuerySet[Run]) -> set[int]:
    having = Series.objects.filter(key=field.key, run_id__in=candidates.values("pk"))
    runs = set(having.values_list("run_id", flat=True)[: SEARCH_STEP_RUNS + 1])
    if len(runs) > SEARCH_STEP_RUNS:
        raise SearchTooWide(
            f"metrics.{field.key}@{field.step} is read from the points of each run, of at most {SEARCH_STEP_RUNS:,} "
            "runs, and more are left here. Name experiments, or add with AND what fewer runs pass.",
            field="filter",
        )
    return runs


def _in_chunks(field: ast.MetricAt, runs: set[int], deadline: Deadline) -> _Noted:
    found: _Noted = {}
    chunks = Chunk.objects.filter(
        run_id__in=runs, key=field.key, first_step__lte=field.step, last_step__gte=field.step
    ).order_by("run_id", "id")
    for run, payload in chunks.values_list("run_id", "payload").iterator(chunk_size=100):
        deadline.check()
        _note_step(found, run, codec.decode(payload), field.step)
    return found


def _in_batches(having: dict[ast.MetricAt, set[int]], deadline: Deadline) -> dict[ast.MetricAt, _Noted]:
    batches = Batch.objects.filter(run_id__in=set().union(*having.values()))
    waiting = batches.aggregate(points=Sum("points"))["points"] or 0
    if waiting > SEARCH_STEP_POINTS:
        names = ", ".join(sorted(f"metrics.{field.key}@{field.step}" for field in having))
        raise SearchTooWide(
            f"{waiting:,} points of these runs are not sorted by metric yet, and at most {SEARCH_STEP_POINTS:,} are read "
            f"for {names}. Workers sort them within minutes; or name fewer runs.",
            field="filter",
        )
    of_key: dict[str, list[ast.MetricAt]] = {}
    for field in having:
        of_key.setdefault(field.key, []).append(field)
    found: dict[ast.MetricAt, _Noted] = {field: {} for field in having}
    for run, payload in batches.order_by("id").values_list("run_id", "payload").iterator(chunk_size=100):
        deadline.check()
        for key, points in codec.unpack(payload, of_key):
            for field in of_key[key]:
                _note_step(found[field], run, points, field.step)
    return found


def _note_step(found: _Noted, run: int, points: Points, step: int) -> None:
    at = points[points.steps == step].by_step()
    if len(at):
        _note(found, run, int(at.times[-1]), float(at.values[-1]))


def _note(found: _Noted, run: int, time: int, value: float) -> None:
    """Calls come in order of arrival; equal times are told apart by it, as in charts."""
    if run not in found or time >= found[run][0]:
        found[run] = (time, value)
