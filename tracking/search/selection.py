"""Which runs a search is about: project, experiments, lifecycle and filter, as a condition on rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact

from core import replica
from core.access import ProjectRef
from core.errors import Invalid
from core.time_limits import Deadline
from tracking.errors import ExperimentNotFound
from tracking.limits import SEARCH_EXPERIMENTS
from tracking.models import Experiment, Run
from tracking.search import steps
from tracking.search.ast import AllOf, Among, AnyOf, Attribute, Dataset, Expr, Not, Picked
from tracking.search.compile import (
    COMPARISONS,
    RUNS,
    Scope,
    alike,
    compile_filter,
    flat,
    is_indexed,
    matching_rows,
    rows_of_all,
    runs_of_all,
)
from tracking.search.parser import parse

Lifecycle = Literal["active", "archived", "deleted", "all"]
LIFECYCLES: tuple[Lifecycle, ...] = get_args(Lifecycle)

FEW = 3_000  # runs that can be tested and sorted in some 10 ms
TESTED = 15_000  # runs that can be looked at one by one in as long
FAR = 1_000  # runs down; from there on what is skipped costs more than to sort
MANY = 50_000  # runs that are sorted to find those of a page so far down
OF_THE_PROJECT = frozenset(
    {"id", "code.commit"}
)  # attributes whose index begins with the project, not with the experiment
TRIES = 4  # comparisons that are counted to find a narrow one

MERGED = 40  # experiments whose runs are merged in their order; of more, all that pass are sorted
MOST_VALUES = 20_000  # of a merged statement; SQLite, as it is built by default, takes 32,766


Narrow = QuerySet[Any] | list[int]  # primary keys of runs


_LIVING = (
    "SELECT id FROM tracking_experiment WHERE project_id = %s AND deleted_at IS NULL "  # noqa: S608 - constants
    f"LIMIT {SEARCH_EXPERIMENTS + 1}"
)


class Place(int):
    """Stands for the id of an experiment until a statement is complete."""


PLACE = Place()

ROWS_OF_RUNS = Scope(through="run", one_by_one=True)
PAGE_OF_RUNS = Scope(one_by_one=True)


@dataclass(frozen=True, slots=True)
class Selection:
    """`experiments` are ids; None stands for all of the project, when they are too many to be named in a query.

    `narrowed_to` are ids of all runs that pass one of the comparisons, where these are few.
    """

    project_id: int
    experiments: tuple[int, ...] | None
    lifecycle: Lifecycle
    expr: Expr
    narrowed_to: tuple[Narrow, ...] = ()

    def runs(self, scope: Scope = RUNS) -> QuerySet[Run]:
        """The selected runs, unordered; PAGE_OF_RUNS where a page of them is read in order. Lazy."""
        return Run.objects.filter(self._place(scope, "experiment_id"), *self._rest(scope))

    def rows(self, source: QuerySet[Any]) -> QuerySet[Any]:
        """Those rows of `source` (series, params or tags) whose run is selected; begins at their copy of the experiment."""
        return source.filter(self._place(ROWS_OF_RUNS, "experiment_id"), *self._rest(ROWS_OF_RUNS))

    def of_each(self) -> Selection | None:
        """The same of one experiment, whose id is the parameter PLACE. None where that is of no use: of one experiment, of more
        than can be merged, of few runs, which are sorted as they are, and where the values of the filter, repeated for each, are
        more than a statement takes.
        """
        if self.narrowed_to or self.experiments is None or not 1 < len(self.experiments) <= MERGED:
            return None
        if _values_in(self.expr) * len(self.experiments) > MOST_VALUES:
            return None
        return replace(self, experiments=(PLACE,))

    def without(self, parts: Collection[Expr]) -> Selection:
        """The same where those parts of the filter are asked in another way."""
        given = flat(self.expr.parts if isinstance(self.expr, AllOf) else (self.expr,))
        return replace(self, expr=AllOf(tuple(part for part in given if part not in parts)))

    def _place(self, scope: Scope, experiment: str) -> Q:
        if self.experiments is None:
            project, deleted = scope.path("project_id"), scope.path("experiment__deleted_at__isnull")
            return Q((project, self.project_id), (deleted, True))
        if self.experiments == (PLACE,):
            return Q(Exact(F(experiment), RawSQL("%s", (PLACE,))))
        if len(self.experiments) == 1:
            return Q((experiment, self.experiments[0]))
        return Q((f"{experiment}__in", self.experiments))

    def _rest(self, scope: Scope) -> list[Q]:
        path = scope.path("lifecycle")
        lifecycle = [~Q((path, Run.Lifecycle.PURGED)) if self.lifecycle == "all" else Q((path, self.lifecycle))]
        narrow = [Q((f"{scope.run_id}__in", ids)) for ids in self.narrowed_to]
        return [*narrow, *lifecycle, compile_filter(self.expr, scope)]


def select(
    *,
    project: ProjectRef,
    filter: str,  # noqa: A002 - what it is called on the wire
    experiments: Collection[str] | None,
    lifecycle: str,
    deadline: Deadline,
    reach: int = 0,
) -> Selection:
    """`reach` is how many of them will be read, in an order of theirs; 0 for all in none.

    Raises InvalidFilter, ExperimentNotFound, SearchTooWide, or Invalid for another argument."""
    known = next((word for word in LIFECYCLES if word == lifecycle), None)
    if known is None:
        raise Invalid(f"lifecycle is one of {', '.join(LIFECYCLES)}.", field="lifecycle")
    expr = parse(filter)
    places = _all_of(project) if experiments is None else _named(project, experiments)

    def selected_by(expr: Expr) -> Selection:
        narrowed_to, rest = _narrowed(expr, project, places, reach)
        return Selection(project.id, places, known, rest, narrowed_to)

    if steps.asked_in(expr):
        expr = steps.resolved(expr, selected_by(steps.without(expr)).runs(), deadline)
    return selected_by(expr)


def _all_of(project: ProjectRef) -> tuple[int, ...] | None:
    with connections[replica.alias()].cursor() as cursor:
        cursor.execute(_LIVING, [project.id])
        ids = tuple(id_ for (id_,) in cursor.fetchall())
    return ids if len(ids) <= SEARCH_EXPERIMENTS else None


def _named(project: ProjectRef, names: Collection[str]) -> tuple[int, ...]:
    """A deleted experiment hides its runs, so it adds nothing; one that never was is a mistake."""
    if len(names) > SEARCH_EXPERIMENTS:
        raise Invalid(f"At most {SEARCH_EXPERIMENTS} experiments can be named in one search.", field="experiments")
    found = Experiment.objects.filter(project_id=project.id, name__in=[name for name in names if "\0" not in name])
    rows = {name: (id_, deleted) for name, id_, deleted in found.values_list("name", "id", "deleted_at")}
    for name in names:
        if name not in rows:
            raise ExperimentNotFound(name)
    return tuple(sorted(id_ for id_, deleted in rows.values() if deleted is None))


def _narrowed(
    expr: Expr, project: ProjectRef, experiments: tuple[int, ...] | None, reach: int
) -> tuple[tuple[Narrow, ...], Expr]:
    """Ids of the runs that pass the comparisons passed by few, a query for each; and what is left of `expr` beside those.

    Runs are read in the order of the page and tested one by one, which is quick where many pass and slow where hardly any does, or
    where the page begins far down. Then it is better to begin with those that pass. How many they are has to be counted, in one
    statement: about 0.3 ms for each comparison tried.
    """
    if not experiments:
        return (), expr
    groups = alike(expr.parts if isinstance(expr, AllOf) else (expr,))
    tried = _candidates(groups, project, experiments)
    few = FEW if reach <= FAR else MANY
    counts = _counts([rows for _, rows in tried], few + 1)
    narrow = {at: rows for (at, rows), count in zip(tried, counts, strict=True) if count <= few}
    if not narrow:
        return (reach and _narrowed_by_attributes(groups, experiments)) or ((), expr)
    rest = (part for at, group in enumerate(groups) if at not in narrow for part in group)
    return tuple(narrow.values()), AllOf(tuple(rest))


def _narrowed_by_attributes(
    groups: Sequence[tuple[Expr, ...]], experiments: tuple[int, ...]
) -> tuple[tuple[Narrow, ...], Expr] | None:
    """The same for attributes together, each of which many pass: all of them stand in one row. Their runs are read here, since
    to find them costs more than to say which they are. One query, and another one on SQLite.
    """
    parts = [part for (part, *_) in groups if isinstance(part, COMPARISONS) and is_indexed(part)]
    of_runs = [part for part in parts if isinstance(part.field, Attribute) and part.field.name not in OF_THE_PROJECT]
    if len(of_runs) < 2:
        return None
    runs = Run.objects.filter(_in(experiments))
    if connections[runs.db].vendor == "sqlite":  # which keeps no statistics that would tell it where to begin
        counts = _counts([runs.filter(runs_of_all([part])).values("pk") for part in of_runs], TESTED + 1)
        if min(counts) > TESTED:
            return None
        of_runs = [of_runs[at] for at in sorted(range(len(counts)), key=counts.__getitem__)]
    found = list(runs.filter(runs_of_all(of_runs)).values_list("pk", flat=True)[: FEW + 1])
    if len(found) > FEW:
        return None
    return (found,), AllOf(tuple(part for group in groups for part in group if part not in of_runs))


def _candidates(
    groups: Sequence[tuple[Expr, ...]], project: ProjectRef, experiments: tuple[int, ...]
) -> list[tuple[int, QuerySet[Any]]]:
    """Those of `groups` that an index answers: where each stands among them, and the ids of the runs that pass it."""
    place = _in(experiments)
    found: list[tuple[int, QuerySet[Any]]] = []
    for at, group in enumerate(groups):
        part = group[0]
        if len(found) == TRIES or not isinstance(part, COMPARISONS) or not any(map(is_indexed, group)):
            continue
        if isinstance(part.field, Attribute):
            where = Q(project_id=project.id) if part.field.name in OF_THE_PROJECT else place
            found.append((at, Run.objects.filter(where, compile_filter(part, RUNS)).values("pk")))
        elif isinstance(part.field, Dataset):
            found.append((at, matching_rows(part).values("run_id")))
        else:
            found.append((at, rows_of_all(group).filter(place).values("run_id")))
    return found


def _in(experiments: tuple[int, ...]) -> Q:
    return Q(experiment_id=experiments[0]) if len(experiments) == 1 else Q(experiment_id__in=experiments)


def _counts(queries: Sequence[QuerySet[Any]], most: int) -> list[int]:
    """How many rows each of them has, up to `most`. One statement."""
    if not queries:
        return []
    using = queries[0].db
    sqls: list[str] = []
    values: list[Any] = []
    for query in queries:
        try:
            sql, bound = query.order_by().query.get_compiler(using=using).as_sql()
        except EmptyResultSet:  # the conditions contradict each other
            sql, bound = "SELECT 1 WHERE 1 = 0", ()
        sqls.append(f"(SELECT count(*) FROM ({sql} LIMIT {most:d}) q{len(sqls)})")  # noqa: S608 - the ORM's, values bound
        values += bound
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(sqls)}", values)
        return list(cursor.fetchone())


def _values_in(expr: Expr) -> int:
    """How many values its condition binds, roughly and rather too many."""
    match expr:
        case Picked(runs):
            return len(runs)
        case Among(values=values):
            return len(values) + 2
        case Not(part):
            return _values_in(part)
        case AllOf(parts) | AnyOf(parts):
            return sum(map(_values_in, parts))
        case _:
            return 5
