"""Alerts: the list, one with all that it touches, and what people say to it."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission
from core.errors import Conflict, Invalid
from core.problems import status_of
from monitoring import selectors, services
from monitoring.models import Alert, ColumnResult, Firing
from registry.models import Deployment, Promotion
from web.deployments import deployment_rows
from web.paging import newest_first
from web.promotions import promotion_rows
from web.trail import trail_of
from web.triggers import firing_rows
from web.views.base import PageRequest, project_page, show
from web.views.monitoring_tabs import room_tabs

LONGEST_REASON = 2_000  # characters; the form says the same
SHOWN = 10


@project_page(room="monitoring")
def alert_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "") for key in ("model", "state")}
    page = newest_first(
        selectors.list_alerts(project=project, state=query["state"], model=query["model"] or None), request
    )
    return show(
        request,
        "web/alert_list.html",
        tabs=room_tabs(project, "web:alert_list"),
        alerts=page.rows,
        next_url=page.next_url,
        query=query,
        states=Alert.State.values,
    )


@project_page(room="monitoring")
def alert_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    return _page(request, selectors.get_alert(project=project, uuid=uuid))


@project_page(room="monitoring", methods=("POST",))
def alert_answer(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """Acknowledge or close by form."""
    alert = selectors.get_alert(project=project, uuid=uuid)
    answer, reason = request.POST.get("answer", ""), request.POST.get("reason", "").strip()
    try:
        archives.require(request.principal, Permission.ALERT_WRITE, project)
        _answer(alert, answer, reason, request)
    except (Invalid, Conflict) as error:
        alert = selectors.get_alert(project=project, uuid=uuid)
        return _page(request, alert, error=error.detail, given_reason=reason, status=status_of(error))
    return HttpResponseRedirect(reverse("web:alert_detail", args=[project.name, uuid]))


def _answer(alert: Alert, answer: str, reason: str, request: PageRequest) -> None:
    """Raises Invalid, and what the services raise."""
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(f"Say why, in 1 to {LONGEST_REASON} characters.", field="reason")
    if answer == "acknowledge":
        services.acknowledge_alert(alert=alert, reason=reason, actor=request.principal)
    elif answer == "close":
        services.close_alert(alert=alert, reason=reason, actor=request.principal)
    else:
        raise Invalid("An answer is one of acknowledge and close.", field="answer")


def _page(
    request: PageRequest, alert: Alert, *, error: str = "", given_reason: str = "", status: int = 200
) -> HttpResponse:
    """What changed, since when, and what it touches: the run and data behind the version, who decided for it, where it
    runs, and what retraining it set off.
    """
    monitor, version = alert.monitor, alert.monitor.version
    columns = ColumnResult.objects.filter(window=alert.last_window, state__in=("warn", "critical"))
    promotions = Promotion.objects.filter(version=version, environment=monitor.environment)
    promotions = promotions.select_related("project", "model", "version", "environment").order_by("-id")
    running = Deployment.objects.filter(version=version, environment=monitor.environment, ended_at=None)
    firings = Firing.objects.filter(
        cause_type=Firing.Cause.ALERT, cause_id=str(alert.uuid), trigger__project=alert.project
    )
    return show(
        request,
        "web/alert_detail.html",
        status=status,
        alert=alert,
        monitor=monitor,
        version=version,
        model=version.model.name,
        number=version.number,
        environment=monitor.environment.name,
        columns=columns.order_by("column"),
        promotions=promotion_rows(promotions[:SHOWN]),
        deployments=deployment_rows(running.select_related("version__model", "environment").order_by("-id")[:SHOWN]),
        firings=firing_rows(firings.select_related("trigger", "run", "version__model").order_by("-id")[:SHOWN]),
        may_answer=not alert.is_closed and archives.can(request.principal, Permission.ALERT_WRITE, alert.project),
        error=error,
        given_reason=given_reason,
        entries=trail_of(project=alert.project, type="model_version", id=str(version.uuid), viewer=request.principal),
    )
