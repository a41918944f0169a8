"""What happens around a monitor: its version goes into service, falls silent, or is judged by others."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from core import clock
from monitoring.alarms import Alarm
from monitoring.models import Alert, Monitor
from monitoring.selectors import is_in_service
from monitoring.services.alerts import open_alert, raise_alarm
from monitoring.services.baselines import freeze_baseline
from monitoring.services.locking import lock_monitor, monitors
from monitoring.services.monitors import ensure_monitor
from registry.models import Deployment, Environment, ModelVersion, Report

Kind, Severity = Alert.Kind, Monitor.Severity
SEVERITY_OF = {Report.Verdict.FAIL: Severity.CRITICAL, Report.Verdict.ERROR: Severity.WARN}


def freeze_registered(*, version_uuid: str) -> None:
    """A version was registered: keep what its training data looked like. Idempotent."""
    version = ModelVersion.objects.select_related("model__project", "run").get(uuid=UUID(version_uuid))
    freeze_baseline(version=version)


def watch_version(*, project_id: int, model: str, number: int, environment: str) -> Monitor:
    """A version went into service there: watch it. Idempotent."""
    versions = ModelVersion.objects.select_related("model__project", "run")
    monitor, _ = ensure_monitor(
        version=versions.get(model__project_id=project_id, model__name=model, number=number),
        environment=Environment.objects.get(project_id=project_id, name=environment),
    )
    return monitor


@transaction.atomic
def tell_mismatch(*, deployment: str, promoted_digest: str | None, **where: Any) -> None:
    """Something runs that is not what was promoted: the monitor of what runs says so. Idempotent."""
    found = Deployment.objects.select_related("version__model").get(uuid=UUID(deployment))
    monitor = lock_monitor(watch_version(**where).pk)
    promoted = f"{promoted_digest} is promoted" if promoted_digest else "nothing is promoted"
    message = f"{found.target} runs {found.version.label} ({found.version.digest}), and {promoted} there."
    raise_alarm(monitor, Alarm(Kind.MISMATCH, Severity.WARN, (), (message,)), cause=f"deployment:{deployment}")


def weigh_evidence(*, version_uuid: str, report: str) -> None:
    """Another tool's verdict that is no pass is an alert wherever the version is in service. Idempotent."""
    found = Report.objects.defer("document").get(uuid=UUID(report))
    severity = SEVERITY_OF.get(Report.Verdict(found.verdict))
    if severity is None:
        return
    for monitor in monitors().filter(version__uuid=UUID(version_uuid)).order_by("pk"):
        if is_in_service(monitor):
            _raise_external(monitor, found, severity)


@transaction.atomic
def _raise_external(monitor: Monitor, report: Report, severity: str) -> None:
    verdict = "failed" if report.verdict == Report.Verdict.FAIL else "could not judge"
    message = f"{report.tool} {verdict}: {report.name}."
    columns = tuple(sorted(_columns(report.summary)))
    alarm = Alarm(Kind.EXTERNAL, severity, columns, (message,))
    raise_alarm(lock_monitor(monitor.pk), alarm, cause=f"report:{report.uuid}")


def _columns(summary: Mapping[str, Any]) -> set[str]:
    failures = summary.get("failures") or []
    return {column for failure in failures for column in failure.get("columns") or []}


def find_silent() -> list[int]:
    """Primary keys of monitors in service from which data came once, and none for so many windows as they allow."""
    candidates = monitors().filter(enabled=True, silence_windows__gt=0, project__archived_at__isnull=True)
    candidates = candidates.annotate(last_end=Max("windows__end")).filter(last_end__isnull=False)
    quiet = [monitor for monitor in candidates if clock.now() >= _silent_from(monitor, monitor.last_end)]
    return [monitor.pk for monitor in quiet if is_in_service(monitor)]


@transaction.atomic
def tell_silence(*, monitor_id: int) -> None:
    """Open the alert, if it is silent still. Idempotent."""
    monitor = lock_monitor(monitor_id)
    last = monitor.windows.aggregate(Max("end"))["end__max"]
    if last is None or clock.now() < _silent_from(monitor, last) or open_alert(monitor, Kind.SILENCE) is not None:
        return
    cause = f"silence:{clock.text(last)}"  # closed by hand, it stays closed until data came and ceased again
    message = f"No profile came for {monitor.silence_windows} windows; the last window with data ended {clock.text(last)[:16]}Z."
    raise_alarm(monitor, Alarm(Kind.SILENCE, Severity.WARN, (), (message,)), cause=cause)


def _silent_from(monitor: Monitor, last_end: Any) -> Any:
    return last_end + timedelta(seconds=monitor.silence_windows * monitor.window_s + monitor.grace_s)
