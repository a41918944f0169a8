"""Reads of monitors, their windows and the histories of columns."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from core.access import ProjectRef
from monitoring.errors import BaselineMissing, MonitorMissing, WindowMissing
from monitoring.models import Baseline, ColumnResult, Evaluation, Monitor, Window
from registry.models import Deployment, Environment, Model, ModelVersion, Slot
from registry.selectors import find_slot


def list_monitors(
    *,
    project: ProjectRef,
    model: str | None = None,
    environment: str | None = None,
    version: int | None = None,
    enabled: bool | None = None,
) -> QuerySet[Monitor]:
    """Newest first, each with `last_state` and `last_start` of its latest judged window."""
    latest = Window.objects.filter(monitor=OuterRef("pk"), evaluation__isnull=False).order_by("-start")
    monitors = Monitor.objects.select_related("project", "environment", "version__model__project")
    monitors = monitors.filter(project_id=project.id).annotate(
        last_state=Subquery(latest.values("evaluation__state")[:1]), last_start=Subquery(latest.values("start")[:1])
    )
    if model:
        monitors = monitors.filter(version__model__name=model)
    if environment:
        monitors = monitors.filter(environment__name=environment)
    if version is not None:
        monitors = monitors.filter(version__number=version)
    if enabled is not None:
        monitors = monitors.filter(enabled=enabled)
    return monitors.order_by("-id")


def get_monitor(*, project: ProjectRef, uuid: UUID) -> Monitor:
    """Raises MonitorMissing."""
    monitor = list_monitors(project=project).filter(uuid=uuid).first()
    if monitor is None:
        raise MonitorMissing(f"There is no monitor {uuid} in this project.")
    return monitor


def version_in_service(*, model: Model, environment: Environment) -> ModelVersion:
    """What is promoted there; where nothing is, what serving code last said that it runs. Raises MonitorMissing."""
    slot = find_slot(model=model, environment=environment)
    if slot is not None and slot.version is not None:
        return slot.version
    running = Deployment.objects.select_related("version__model__project", "version__run").filter(
        version__model=model, environment=environment, ended_at__isnull=True
    )
    deployment = running.order_by("-id").first()
    if deployment is None:
        raise MonitorMissing(
            f"No version of {model.name} is promoted to {environment.name}, or says that it runs there."
        )
    return deployment.version


def is_in_service(monitor: Monitor) -> bool:
    """It is promoted where the monitor watches, or serving code says that it runs there."""
    here = {"environment": monitor.environment_id, "version": monitor.version_id}
    return Slot.objects.filter(**here).exists() or Deployment.objects.filter(**here, ended_at__isnull=True).exists()


def find_baseline(version: ModelVersion) -> Baseline | None:
    """Without its document."""
    return Baseline.objects.defer("document").filter(version=version).first()


def get_baseline(version: ModelVersion) -> Baseline:
    """Raises BaselineMissing."""
    baseline = Baseline.objects.filter(version=version).first()
    if baseline is None:
        raise BaselineMissing(f"{version.label} has no baseline: its run kept no profile of the training data.")
    return baseline


def list_windows(*, monitor: Monitor, state: str | None = None) -> QuerySet[Window]:
    """Latest first, without the documents."""
    windows = Window.objects.select_related("evaluation", "reference").defer("document").filter(monitor=monitor)
    return (windows.filter(state=state) if state else windows).order_by("-start", "-id")


def get_window(*, project: ProjectRef, uuid: UUID) -> Window:
    """Raises WindowMissing."""
    windows = Window.objects.select_related(
        "monitor__project", "monitor__environment", "monitor__version__model__project", "evaluation", "reference"
    ).defer("document")
    window = windows.filter(monitor__project_id=project.id, uuid=uuid).first()
    if window is None:
        raise WindowMissing(f"There is no window {uuid} in this project.")
    return window


def list_evaluations(*, window: Window) -> QuerySet[Evaluation]:
    """Every judgement of the window, the first first."""
    return Evaluation.objects.filter(window=window).order_by("number")


def column_history(*, monitor: Monitor, column: str, kind: str | None = None) -> QuerySet[ColumnResult]:
    """What each window's standing judgement says of a column, latest window first."""
    results = ColumnResult.objects.select_related("window").defer("window__document")
    results = results.filter(monitor=monitor, column=column)
    return (results.filter(kind=kind) if kind else results).order_by("-start", "-id")
