"""Which runs a search is about: project, experiments, lifecycle and filter, as a condition on rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q, QuerySet

from core.access import ProjectRef
from core.errors import Invalid
from tracking.errors import ExperimentNotFound
from tracking.limits import SEARCH_EXPERIMENTS
from tracking.models import Experiment, Run
from tracking.search.ast import Expr
from tracking.search.compile import Scope, compile_filter
from tracking.search.parser import parse

Lifecycle = Literal["active", "archived", "deleted", "all"]
LIFECYCLES: tuple[Lifecycle, ...] = ("active", "archived", "deleted", "all")

RUNS = Scope()
ROWS_OF_RUNS = Scope(through="run")


@dataclass(frozen=True, slots=True)
class Selection:
    """`experiments` are ids; None stands for all of the project, when they are too many to be named in a query."""

    project_id: int
    experiments: tuple[int, ...] | None
    lifecycle: Lifecycle
    expr: Expr

    def runs(self) -> QuerySet[Run]:
        """The selected runs, unordered. Lazy."""
        return Run.objects.filter(self._place(RUNS, "experiment_id"), *self._rest(RUNS))

    def rows(self, source: QuerySet[Any]) -> QuerySet[Any]:
        """Those rows of `source` (series, params or tags) whose run is selected; begins at their copy of the experiment."""
        return source.filter(self._place(ROWS_OF_RUNS, "experiment_id"), *self._rest(ROWS_OF_RUNS))

    def _place(self, scope: Scope, experiment: str) -> Q:
        if self.experiments is None:
            project, deleted = scope.path("project_id"), scope.path("experiment__deleted_at__isnull")
            return Q((project, self.project_id), (deleted, True))
        if len(self.experiments) == 1:
            return Q((experiment, self.experiments[0]))
        return Q((f"{experiment}__in", self.experiments))

    def _rest(self, scope: Scope) -> list[Q]:
        lifecycle = [] if self.lifecycle == "all" else [Q((scope.path("lifecycle"), self.lifecycle))]
        return [*lifecycle, compile_filter(self.expr, scope)]


def select(*, project: ProjectRef, filter: str, experiments: Collection[str] | None, lifecycle: str) -> Selection:  # noqa: A002 - what it is called on the wire
    """Raises InvalidFilter, ExperimentNotFound, or Invalid for another argument."""
    known = next((word for word in LIFECYCLES if word == lifecycle), None)
    if known is None:
        raise Invalid(f"lifecycle is one of {', '.join(LIFECYCLES)}.", field="lifecycle")
    return Selection(
        project_id=project.id,
        experiments=_all_of(project) if experiments is None else _named(project, experiments),
        lifecycle=known,
        expr=parse(filter),
    )


def _all_of(project: ProjectRef) -> tuple[int, ...] | None:
    living = Experiment.objects.filter(project_id=project.id, deleted_at__isnull=True)
    ids = tuple(living.values_list("id", flat=True)[: SEARCH_EXPERIMENTS + 1])
    return ids if len(ids) <= SEARCH_EXPERIMENTS else None


def _named(project: ProjectRef, names: Collection[str]) -> tuple[int, ...]:
    """A deleted experiment hides its runs, so it adds nothing; one that never was is a mistake."""
    if len(names) > SEARCH_EXPERIMENTS:
        raise Invalid(f"At most {SEARCH_EXPERIMENTS} experiments can be named in one search.", field="experiments")
    found = Experiment.objects.filter(project_id=project.id, name__in=names)
    rows = {name: (id_, deleted) for name, id_, deleted in found.values_list("name", "id", "deleted_at")}
    for name in names:
        if name not in rows:
            raise ExperimentNotFound(name)
    return tuple(sorted(id_ for id_, deleted in rows.values() if deleted is None))
