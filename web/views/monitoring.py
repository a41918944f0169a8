"""How models do in production: all monitors of a project, one of them, one of its columns, and its performance."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Project
from core.errors import NotFound
from monitoring import selectors, services
from monitoring.models import Baseline, ColumnResult, Monitor, Window
from monitoring.profiles import read_profile
from registry import selectors as registry
from web import monitors
from web.distributions import Distribution, distribution
from web.drawings import bars
from web.paging import newest_first
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show
from web.views.monitoring_tabs import room_tabs

SHOWN_ALERTS = 20
SHOWN_WINDOWS = 14
OBSERVING = """monitor = lineal.monitor("{name}")
monitor.observe(batch, predictions=predicted)"""
LABELLING = """monitor = lineal.monitor("{name}")
monitor.observe(batch, predictions=predicted, scores=scores)
monitor.report_labels(predicted, labels, scores, at=then)  # once they are known; `then` is when they were predicted"""


@project_page(room="monitoring")
def monitor_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "") for key in ("model", "environment")}
    page = newest_first(
        selectors.list_monitors(project=project, model=query["model"], environment=query["environment"]), request
    )
    return show(
        request,
        "web/monitor_list.html",
        monitors=monitors.monitor_rows(page.rows),
        alerts=selectors.list_alerts(project=project, state="active", model=query["model"] or None)[:SHOWN_ALERTS],
        next_url=page.next_url,
        query=query,
        tabs=room_tabs(project, "web:monitor_list"),
        observing=OBSERVING.format(name="churn@production"),
        environments=[environment.name for environment in registry.list_environments(project=project)],
    )


@project_page(room="monitoring")
def monitor_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    monitor = selectors.get_monitor(project=project, uuid=uuid)
    window = _window(monitor, request.GET.get("window", ""))
    judged = window.evaluation if window else None
    return show(
        request,
        "web/monitor_detail.html",
        **_place(monitor),
        tabs=_tabs(monitor, "web:monitor_detail"),
        observing=OBSERVING.format(name=f"{monitor.version.model.name}@{monitor.environment.name}"),
        baseline=selectors.find_baseline(monitor.version),
        window=monitors.window_rows([window])[0] if window else None,
        columns=monitors.column_rows(monitor, window) if window and judged else [],
        schema=judged.result["schema"] if judged else [],
        performance=judged.result["performance"] if judged else None,
        notes=judged.result["notes"] if judged else [],
        windows=monitors.window_rows(selectors.list_windows(monitor=monitor)[:SHOWN_WINDOWS]),
        alerts=selectors.list_alerts(project=project, state="active", monitor=monitor.uuid),
        limits=monitors.limit_rows(monitor),
        entries=trail_of(project=project, type="monitor", id=str(monitor.uuid), viewer=request.principal),
    )


@project_page(room="monitoring")
def monitor_column(request: PageRequest, project: Project, uuid: UUID, column: str) -> HttpResponse:
    """Raises NotFound for a column that no window had."""
    monitor = selectors.get_monitor(project=project, uuid=uuid)
    window = _window(monitor, request.GET.get("window", ""))
    page = newest_first(selectors.column_history(monitor=monitor, column=column), request)
    if not page.rows:
        raise NotFound(f"No window of this monitor has a column {column!r}.")
    baseline = selectors.find_baseline(monitor.version)
    shown = _distribution(baseline, window, column) if window and baseline else None
    return show(
        request,
        "web/monitor_column.html",
        **_place(monitor),
        column=column,
        role=page.rows[0].role,
        window=monitors.window_rows([window])[0] if window else None,
        verdicts=list(ColumnResult.objects.filter(window=window, column=column)) if window else [],
        baseline=baseline,
        shown=shown,
        drawn=bars(shown.labels, shown.reference, shown.current) if shown else None,
        charts=monitors.column_charts(monitor, column),
        history=page.rows,
        next_url=page.next_url,
    )


@project_page(room="monitoring")
def monitor_performance(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    monitor = selectors.get_monitor(project=project, uuid=uuid)
    rows = monitors.performance_rows(monitor)
    return show(
        request,
        "web/monitor_performance.html",
        **_place(monitor),
        tabs=_tabs(monitor, "web:monitor_performance"),
        labelling=LABELLING.format(name=f"{monitor.version.model.name}@{monitor.environment.name}"),
        rows=rows,
        charts=monitors.performance_charts(rows),
    )


def _tabs(monitor: Monitor, current: str) -> list[tuple[str, str, bool]]:
    args = [monitor.version.model.project.name, monitor.uuid]
    named = (("Columns", "web:monitor_detail"), ("Performance", "web:monitor_performance"))
    return [(label, reverse(view, args=args), view == current) for label, view in named]


def _place(monitor: Monitor) -> dict[str, Any]:
    return {
        "monitor": monitor,
        "model": monitor.version.model.name,
        "number": monitor.version.number,
        "environment": monitor.environment.name,
    }


def _window(monitor: Monitor, wanted: str) -> Window | None:
    """The one that was asked for, else the newest that was judged. Raises NotFound for one that is not this monitor's."""
    if not wanted:
        return selectors.list_windows(monitor=monitor).filter(evaluation__isnull=False).first()
    try:
        found = selectors.list_windows(monitor=monitor).filter(uuid=UUID(wanted)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("This monitor has no such window.")
    return found


def _distribution(baseline: Baseline, window: Window, column: str) -> Distribution | None:
    """None where one of the two has no such column, or nothing that compares with the other's."""
    if not window.document:
        return None
    before = services.baseline_profile(baseline).columns.get(column)
    after = read_profile(bytes(window.document)).columns.get(column)
    return distribution(before, after) if before and after else None
