"""What every page of a run shows above its own part: which run it is, how it stands, and the way to the other pages."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Project
from core.ids import parse_run_id
from tracking import selectors
from tracking.models import Artifact, Param, Run, Series, Tag
from web.targets import experiment_url
from web.views.base import PageRequest, project_page, show

SHORT_ID = 12
MOST_COUNTED = 100_000  # what a tab counts: more than a run can hold

RunView = Callable[..., HttpResponse]


TABS = (
    ("overview", "Overview", "web:run_detail"),
    ("charts", "Charts", "web:run_charts"),
    ("values", "Params and tags", "web:run_values"),
    ("artifacts", "Artifacts", "web:run_artifacts"),
    ("code", "Code", "web:run_code"),
    ("line", "Line", "web:run_line"),
    ("ledger", "Ledger", "web:run_ledger"),
)


def run_page(view: RunView) -> RunView:
    """A view that is given the `Run` of its address. Raises RunNotFound and Invalid, which become pages."""

    @project_page(room="runs")
    @wraps(view)
    def guarded(request: PageRequest, project: Project, run_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        run = selectors.get_run(project=project, id=parse_run_id(run_id))
        return view(request, project, run, *args, **kwargs)

    return guarded


def show_run(
    request: PageRequest, project: Project, run: Run, tab: str, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    return show(request, template, status=status, **frame_of(project, run, tab), **context)


def frame_of(project: Project, run: Run, tab: str) -> Mapping[str, Any]:
    """Three queries, for the counts."""
    id = run.uuid.hex  # noqa: A001 - what it is called everywhere else
    counts = {"charts": _count(Series, run), "artifacts": _count(Artifact, run)}
    counts["values"] = _count(Param, run) + _count(Tag, run)
    return {
        "run": run,
        "id": id,
        "tab": tab,
        "tabs": [
            (label, reverse(view, args=[project.name, id]), name == tab, counts.get(name) or None)
            for name, label, view in TABS
        ],
        "title": run.name or id[:SHORT_ID],
        "parent": run.parent.uuid.hex if run.parent else "",
        "experiment_url": experiment_url(project, run.experiment.name),
        "run_url": f"/api/v1/runs/{id}",
        "started_s": (run.client_started_at or run.created_at).timestamp(),
        "series_url": f"/api/v1/runs/{id}/series",
        "series_query": urlencode({"project": project.name}),
    }


def _count(table: Any, run: Run) -> int:
    return int(table.objects.filter(run=run)[:MOST_COUNTED].count())
