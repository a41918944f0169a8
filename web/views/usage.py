"""What a project holds: numbers, holds, the bin's days, and how the last deletions and sweeps went."""

from django.http import HttpResponse

from accounts.models import Project
from retention import bin as the_bin
from retention import selectors
from retention.usage import FIELDS, usage_of
from tracking.models import Sweep
from web.views.base import PageRequest, project_page, show

SHOWN = 20


@project_page(room="settings")
def project_usage(request: PageRequest, project: Project) -> HttpResponse:
    found = usage_of([project.pk])[project.pk]
    return show(
        request,
        "web/project_usage.html",
        numbers=[(field, found.numbers[field.name]) for field in FIELDS],
        counted_at=found.counted_at,
        bin_days=the_bin.days(),
        holds=list(selectors.list_holds(project=project)[:SHOWN]),
        deletions=list(selectors.list_deletions(project=project)[:SHOWN]),
        sweeps=list(Sweep.objects.filter(project=project).order_by("-id")[:SHOWN]),
    )
