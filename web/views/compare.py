"""Runs beside one another. The set stands in the address, and changes in place."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from accounts.models import Project
from core.codec import json_bytes
from core.errors import Invalid, NotFound
from core.ids import parse_run_id
from core.problems import status_of
from tracking.limits import COMPARED_RUNS
from tracking.models import Run
from tracking.search import search_runs
from tracking.search.completion import quoted
from tracking.selectors import find_run
from tracking.selectors.listed import ListedRun
from tracking.values import has_control
from web.comparison import STATS, Chosen, Comparison, chosen_in, compare
from web.views.base import PageRequest, project_page, show_part, wants_part

OFFERED_RUNS = 20
CHARTS = 60  # figures on one page; the table has every metric
LONGEST_NAME = 250


@project_page(room="runs", from_replica=True)
def run_compare(request: PageRequest, project: Project) -> HttpResponse:
    """The page, or to htmx all below its head. `add` is the name or id of one run more."""
    problem: Invalid | NotFound | None = None
    chosen = chosen_in(project, request.GET)
    added = request.GET.get("add", "").strip()
    try:
        chosen = _with(chosen, added) if added else chosen
    except (Invalid, NotFound) as error:
        problem = error
    comparison = compare(chosen)
    response = show_part(
        request,
        "web/run_compare.html",
        "web/_run_compare.html",
        chosen=chosen,
        added=added,
        problem=problem,
        comparison=comparison,
        most=COMPARED_RUNS,
        stats=[(stat, chosen.url(stat=stat), stat == chosen.stat) for stat in STATS],
        charted=[line.key for line in comparison.metrics[:CHARTS]],
        drawn=_drawn(project, comparison),
        offered=_offered(chosen),
    )
    if problem is not None and not wants_part(request):
        response.status_code = status_of(problem)
    if wants_part(request) and problem is None:
        response.headers["HX-Push-Url"] = chosen.url()
    return response


def _with(chosen: Chosen, added: str) -> Chosen:
    """Raises Invalid, NotFound."""
    run = _found(chosen.project, added)
    if len(chosen.ids) >= COMPARED_RUNS and run.uuid not in chosen.ids:
        raise Invalid(f"At most {COMPARED_RUNS} runs are compared at once.", field="add")
    return Chosen(chosen.project, tuple(dict.fromkeys((*chosen.ids, run.uuid))), chosen.stat, chosen.low, chosen.high)


def _found(project: Project, text: str) -> Run | ListedRun:
    """By id, or the newest of that name. Raises NotFound."""
    try:
        run: Run | ListedRun | None = find_run(project=project, id=parse_run_id(text))
    except Invalid:
        run = None
    if run is None and len(text) <= LONGEST_NAME and not has_control(text):
        named = search_runs(project=project, filter=f"name = {quoted(text)}", lifecycle="all", limit=1)
        run = named.items[0] if named.items else None
    if run is None:
        raise NotFound(f"No run of this project has the id or name '{text[:60]}'.")
    return run


def _offered(chosen: Chosen) -> list[Run]:
    """The newest other runs of the first run's experiment, to be added with one click."""
    if not chosen.ids:
        return []
    first = Run.objects.filter(project_id=chosen.project.id, uuid=chosen.ids[0]).values("experiment_id")
    others = Run.objects.filter(experiment_id__in=first, lifecycle=Run.Lifecycle.ACTIVE)
    return list(others.exclude(uuid__in=chosen.ids).order_by("-pk")[:OFFERED_RUNS])


def _drawn(project: Project, comparison: Comparison) -> str:
    """For the script that draws, as JSON: in an attribute, since htmx brings no script elements along."""
    told: Mapping[str, Any] = {
        "project": project.name,
        "runs": [
            {
                "id": each.id,
                "name": each.title,
                "colour": each.colour,
                "dash": each.dash,
                "running": each.run.is_running,
            }
            for each in comparison.runs
        ],
        "axes": comparison.axes,
    }
    return json_bytes(told).decode()
