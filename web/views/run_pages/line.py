"""The line that a run belongs to: what it came from, and what came of it."""

from django.http import HttpResponse

from accounts.models import Project
from tracking.models import Run, RunInput, RunOutput
from web.lines import Start, impact_of, trace_of
from web.views.base import PageRequest
from web.views.run_pages.frame import run_page, show_run


@run_page
def run_line(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    start = Start(project, "run", run.uuid.hex, request.principal)
    has_read = RunInput.objects.filter(run=run).exists()
    return show_run(
        request,
        project,
        run,
        "line",
        "web/run_line.html",
        line=trace_of(start),
        results=impact_of(start),
        has_read=has_read,
        has_made=RunOutput.objects.filter(run=run).exists(),
    )
