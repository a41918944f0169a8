"""The overview: what is in production, what waits for a person, what runs, and how the ledger stands."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import Project
from web import ledger, overview
from web.views.base import PageRequest, project_page, show, signed_in


@signed_in(room="home")
def home(request: PageRequest) -> HttpResponse:
    viewer = request.principal
    alerts = overview.open_alerts(viewer)
    production = overview.in_production(viewer)
    waiting = overview.waiting_promotions(viewer)
    runs = overview.recent_runs(viewer)
    return show(
        request,
        "web/home.html",
        alerts=alerts,
        production=production,
        waiting=waiting,
        runs=runs,
        most_counted=overview.MOST_COUNTED,
        is_empty=not (production or waiting.mine or waiting.others or runs.shown or alerts.shown),
        ledger=ledger.state(),
    )


@project_page(room="runs")
def project_home(request: PageRequest, project: Project) -> HttpResponse:
    """A project's own address leads to its runs."""
    return HttpResponseRedirect(reverse("web:run_list", args=[project.name]))
