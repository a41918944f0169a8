"""What the ledger holds of a run: its seals, and the entries about it."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Project
from core.access import Permission, can
from tracking import selectors
from tracking.models import Run
from web.trail import trail_of
from web.views.base import PageRequest
from web.views.run_pages.frame import run_page, show_run

SHOWN_SEALS = 50  # the newest; each end of a run makes one


@run_page
def run_ledger(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    """Who may not read the trail sees the seals alone, and is told so."""
    seals = selectors.list_seals(run)
    all_url = f"{reverse('web:project_audit', args=[project.name])}?{urlencode({'target_type': 'run', 'target_id': run.uuid.hex})}"
    return show_run(
        request,
        project,
        run,
        "ledger",
        "web/run_ledger.html",
        seals=seals[::-1][:SHOWN_SEALS],
        seal_count=len(seals),
        may_read=can(request.principal, Permission.AUDIT_READ, project),
        entries=trail_of(project=project, type="run", id=run.uuid.hex, viewer=request.principal),
        all_url=all_url,
    )
