"""Deployments of a project over time: what was promoted and what serving code reported, what ran at a given moment, and one of them."""

from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpResponse

from accounts.models import Project
from core import clock
from core.errors import Invalid
from registry import selectors
from web.deployments import deployment_rows
from web.lines import Start, whole_line_of
from web.moments import utc_moment
from web.paging import newest_first
from web.serving import Scene, lanes_between, served_at
from web.timelines import Timeline, timeline
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show

RANGES = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90),
          "1y": timedelta(days=365)}  # fmt: skip
USUAL_RANGE = "30d"
SHOWN_REPORTS = 25


@project_page(room="deployments")
def deployment_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "").strip() for key in ("model", "environment", "as_of", "range")}
    problem, as_of = "", None
    try:
        as_of = utc_moment(query["as_of"], field="as_of")
    except Invalid as error:
        problem = error.detail
    model, environment = query["model"], query["environment"]
    reports = selectors.list_deployments(project=project, model=model, environment=environment, as_of=as_of)
    page = newest_first(reports, request, size=SHOWN_REPORTS)
    return show(
        request,
        "web/deployment_list.html",
        status=422 if problem else 200,
        scene=Scene((), False)
        if problem
        else served_at(project, as_of or clock.now(), model=model, environment=environment),
        timeline=None if problem else _drawn(project, query, as_of),
        deployments=[] if problem else deployment_rows(page.rows),
        next_url="" if problem else page.next_url,
        query=query,
        range=query["range"] if query["range"] in RANGES else USUAL_RANGE,
        ranges=list(RANGES),
        tabs=_tabs(request, project, query["environment"]),
        as_of=as_of,
        problem=problem,
    )


def _tabs(request: PageRequest, project: Project, chosen: str) -> list[tuple[str, str, bool]]:
    """All environments, and each: the last of the order first, as it is what people ask about."""
    names = [environment.name for environment in selectors.list_environments(project=project)]
    query = request.GET.copy()
    query.pop("cursor", None)
    tabs = []
    for name in ("", *reversed(names)):
        query["environment"] = name
        tabs.append((name or "All environments", f"?{query.urlencode()}", name == chosen))
    return tabs


def _drawn(project: Project, query: dict[str, str], as_of: datetime | None) -> tuple[Timeline | None, bool]:
    """The drawing, and whether there was more than it has room for."""
    start, end = span_of(RANGES.get(query["range"], RANGES[USUAL_RANGE]), as_of)
    found = lanes_between(project, start, end, model=query["model"], environment=query["environment"])
    return timeline(found.lanes, start=start, end=end, at=as_of, now=clock.now()), found.more


def span_of(width: timedelta, as_of: datetime | None) -> tuple[datetime, datetime]:
    """The last `width` up to now; around `as_of` where that lies elsewhere."""
    now = clock.now()
    end = now + width / 40
    start = end - width
    if as_of is None or start <= as_of <= end:
        return start, end
    try:
        return as_of - width / 2, as_of + width / 2
    except OverflowError:  # a date at the end of the calendar
        return start, end


@project_page(room="deployments")
def deployment_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """One deployment: what served, what it was trained on and by whose word, and the line that it ends."""
    deployment = selectors.get_deployment(project=project, uuid=uuid)
    scene = served_at(
        project, deployment.started_at, model=deployment.version.model.name, environment=deployment.environment.name
    )
    return show(
        request,
        "web/deployment_detail.html",
        deployment=deployment,
        row=deployment_rows([deployment])[0],
        served=[row for row in scene.rows if row.deployment == deployment.uuid],
        whole=whole_line_of(Start(project, "deployment", str(deployment.uuid), request.principal)),
        entries=trail_of(project=project, type="deployment", id=str(deployment.uuid), viewer=request.principal),
    )
