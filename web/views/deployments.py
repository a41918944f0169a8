"""Deployments of a project: what serving code reported, and what served at a given moment."""

from django.http import HttpResponse

from accounts.models import Project
from core.errors import Invalid
from registry import selectors
from web.deployments import deployment_rows
from web.moments import utc_moment
from web.paging import newest_first
from web.views.base import PageRequest, project_page, show


@project_page(room="deployments")
def deployment_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "") for key in ("model", "environment", "as_of")}
    problem, as_of = "", None
    try:
        as_of = utc_moment(query["as_of"], field="as_of")
    except Invalid as error:
        problem = error.detail
    deployments = selectors.list_deployments(
        project=project, model=query["model"], environment=query["environment"], as_of=as_of
    )
    page = newest_first(deployments, request)
    return show(
        request,
        "web/deployment_list.html",
        status=422 if problem else 200,
        deployments=[] if problem else deployment_rows(page.rows),
        next_url="" if problem else page.next_url,
        query=query,
        as_of=as_of,
        problem=problem,
        environments=[environment.name for environment in selectors.list_environments(project=project)],
    )
