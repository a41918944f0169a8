"""Triggers of retraining: what starts what, and what came of it."""

from django.http import HttpResponse

from accounts.models import Project
from monitoring import selectors
from monitoring.models import Firing
from web.paging import newest_first
from web.triggers import firing_rows
from web.views.base import PageRequest, project_page, show
from web.views.monitoring_tabs import room_tabs


@project_page(room="monitoring")
def trigger_list(request: PageRequest, project: Project) -> HttpResponse:
    firings = Firing.objects.filter(trigger__project=project).select_related("trigger", "run", "version__model")
    page = newest_first(firings, request)
    return show(
        request,
        "web/trigger_list.html",
        tabs=room_tabs(project, "web:trigger_list"),
        triggers=selectors.list_triggers(project=project),
        firings=firing_rows(page.rows),
        next_url=page.next_url,
    )
