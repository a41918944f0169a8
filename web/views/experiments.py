"""Experiments of a project, with how many runs each has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max
from django.http import HttpResponse

from accounts.models import Project
from tracking.models import Experiment, Run
from tracking.selectors import list_experiments
from web.paging import newest_first
from web.targets import experiment_url
from web.views.base import PageRequest, project_page, show


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    name: str
    description: str
    url: str
    runs: int
    last_run_at: datetime | None
    created_at: datetime


@project_page(room="experiments")
def experiment_list(request: PageRequest, project: Project) -> HttpResponse:
    page = newest_first(list_experiments(project=project), request)
    return show(request, "web/experiment_list.html", experiments=_rows(project, page.rows), next_url=page.next_url)


def _rows(project: Project, experiments: Sequence[Experiment]) -> list[ExperimentRow]:
    """One query counts the runs that lists show: the active ones."""
    runs = Run.objects.filter(experiment__in=experiments, lifecycle=Run.Lifecycle.ACTIVE)
    counted = {
        experiment: (count, last)
        for experiment, count, last in runs.values_list("experiment").annotate(Count("id"), Max("created_at"))
    }
    return [_row(project, experiment, *counted.get(experiment.id, (0, None))) for experiment in experiments]


def _row(project: Project, experiment: Experiment, runs: int, last_run_at: datetime | None) -> ExperimentRow:
    return ExperimentRow(
        name=experiment.name,
        description=experiment.description,
        url=experiment_url(project, experiment.name),
        runs=runs,
        last_run_at=last_run_at,
        created_at=experiment.created_at,
    )
