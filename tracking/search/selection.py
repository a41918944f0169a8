"""Which runs a search is about: project, experiments, lifecycle and filter, as a condition on rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact

from core.access import ProjectRef
from core.errors import Invalid
from core.time_limits import Deadline
from tracking.errors import ExperimentNotFound
from tracking.limits import SEARCH_EXPERIMENTS
from tracking.models import Experiment, Run
from tracking.search import steps
from tracking.search.ast import AllOf, AnyOf, Dataset, Expr, Not, Picked
from tracking.search.compile import Scope, compile_filter, is_indexed, matching_rows
from tracking.search.parser import parse

Lifecycle = Literal["active", "archived", "deleted", "all"]
LIFECYCLES: tuple[Lifecycle, ...] = ("active", "archived", "deleted", "all")

FEW = 5_000  # runs that can be tested and sorted in some 10 ms
TRIES = 4  # comparisons that are counted to find a narrow one

MERGED = 40  # experiments whose runs are merged in their order; of more, all that pass are sorted


class Place(int):
    """Stands for the id of an experiment until a statement is complete."""


PLACE = Place()

RUNS = Scope()
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
    narrowed_to: QuerySet[Any] | None = None

    def runs(self, scope: Scope = RUNS) -> QuerySet[Run]:
        """The selected runs, unordered; PAGE_OF_RUNS where a page of them is read in order. Lazy."""
        return Run.objects.filter(self._place(scope, "experiment_id"), *self._rest(scope))

    def rows(self, source: QuerySet[Any]) -> QuerySet[Any]:
        """Those rows of `source` (series, params or tags) whose run is selected; begins at their copy of the experiment."""
        return source.filter(self._place(ROWS_OF_RUNS, "experiment_id"), *self._rest(ROWS_OF_RUNS))

    @property
    def scope_of_runs(self) -> Scope:
        """For a page of runs: those few that all have to be looked at are better joined than asked one by one."""
        return PAGE_OF_RUNS if self.narrowed_to is None else RUNS

    def of_each(self) -> Selection | None:
        """The same of one experiment, whose id is the parameter PLACE. None where that is of no use: of one experiment, of more
        than can be merged, and of few runs, which are sorted as they are.
        """
        if self.narrowed_to is not None or self.experiments is None or not 1 < len(self.experiments) <= MERGED:
            return None
        return replace(self, experiments=(PLACE,))

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
        narrow = [] if self.narrowed_to is None else [Q((f"{scope.run_id}__in", self.narrowed_to))]
        return [*narrow, *lifecycle, compile_filter(self.expr, scope)]


def select(
    *,
    project: ProjectRef,
    filter: str,  # noqa: A002 - what it is called on the wire
    experiments: Collection[str] | None,
    lifecycle: str,
    deadline: Deadline,
) -> Selection:
    """Raises InvalidFilter, ExperimentNotFound, SearchTooWide, or Invalid for another argument."""
    known = next((word for word in LIFECYCLES if word == lifecycle), None)
    if known is None:
        raise Invalid(f"lifecycle is one of {', '.join(LIFECYCLES)}.", field="lifecycle")
    expr = parse(filter)
    places = _all_of(project) if experiments is None else _named(project, experiments)

    def selected_by(expr: Expr) -> Selection:
        return Selection(project.id, places, known, expr, _narrowest(expr, places))

    if steps.asked_in(expr):
        expr = steps.resolved(expr, selected_by(steps.without(expr)).runs(), deadline)
    return selected_by(expr)


def _all_of(project: ProjectRef) -> tuple[int, ...] | None:
    living = Experiment.objects.filter(project_id=project.id, deleted_at__isnull=True)
    ids = tuple(living.values_list("id", flat=True)[: SEARCH_EXPERIMENTS + 1])
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


def _narrowest(expr: Expr, experiments: tuple[int, ...] | None) -> QuerySet[Any] | None:
    """Ids of the runs that pass the comparison passed by fewest; None if none of those tried is passed by FEW or less.

    Runs are read in the order of the page and tested one by one, which is quick where many pass and slow where hardly
    any does. For these it is better to begin with the few. Which it is has to be counted: about 1 ms for each try.
    """
    if not experiments:
        return None
    counted = [(rows[: FEW + 1].count(), rows) for rows in _candidates(expr, experiments)]
    least, rows = min(counted, key=lambda pair: pair[0], default=(FEW + 1, None))
    return rows if least <= FEW else None


def _candidates(expr: Expr, experiments: tuple[int, ...]) -> list[QuerySet[Any]]:
    parts = expr.parts if isinstance(expr, AllOf) else (expr,)
    tried = [part for part in parts if not isinstance(part, (Not, AllOf, AnyOf, Picked)) and is_indexed(part)][:TRIES]
    place = Q(experiment_id=experiments[0]) if len(experiments) == 1 else Q(experiment_id__in=experiments)
    found = []
    for part in tried:
        rows = matching_rows(part)
        found.append((rows if isinstance(part.field, Dataset) else rows.filter(place)).values("run_id"))
    return found
