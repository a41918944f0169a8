"""Alerts: opened and updated by what is found, closed when it is over or by people. Each change is on the ledger, with the
version as its target, and is announced in the same transaction; in quiet hours the announcement waits until they end.

The caller holds the monitor's lock, so that of two that find the same trouble the second finds the first's alert.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit.services import record
from core import clock, events, jobs
from core.access import Principal, system_principal
from monitoring import links
from monitoring.alarms import WORDS, Alarm
from monitoring.errors import AlertClosed
from monitoring.models import Alert, Monitor, Window
from monitoring.quiet import quiet_for
from monitoring.services.locking import lock_monitor
from monitoring.triggers.filters import rank
from registry.evidence import version_target

State = Alert.State
TEXT_LENGTH = 1_000  # characters of a message that are announced and stand on the ledger
COLUMNS_TOLD = 50


def raise_alarm(
    monitor: Monitor, alarm: Alarm, *, window: Window | None = None, cause: str = "", may_open: bool = True
) -> Alert | None:
    """Open an alert for it, or bring the open one up to date; None where it is below the monitor's severity, no news, or
    `cause` was met before.
    """
    if rank(alarm.severity) < rank(monitor.severity) or (cause and _has_met(monitor, alarm.kind, cause)):
        return None
    alert = open_alert(monitor, alarm.kind)
    if alert is not None:
        return _update(alert, alarm, window, cause)
    return _open(monitor, alarm, window, cause) if may_open else None


def open_alert(monitor: Monitor, kind: str) -> Alert | None:
    return _alerts().filter(monitor=monitor, kind=kind).exclude(state=State.CLOSED).first()


def open_alerts(monitor: Monitor) -> QuerySet[Alert]:
    return _alerts().filter(monitor=monitor).exclude(state=State.CLOSED).order_by("id")


def close_recovered(monitor: Monitor, kind: str, reason: str) -> None:
    """Nothing happens where no alert of that kind is open."""
    alert = open_alert(monitor, kind)
    if alert is not None:
        _close(alert, system_principal("worker"), reason)


@transaction.atomic
def acknowledge_alert(*, alert: Alert, actor: Principal, reason: str = "") -> Alert:
    """Somebody looks after it; it stays until it is over or closed. Idempotent.

    Raises:
        AlertClosed: it is closed.
    """
    alert = _locked(alert)
    if alert.is_closed:
        raise AlertClosed(f"This alert was closed by {alert.closed_by}.")
    if alert.state == State.ACKNOWLEDGED:
        return alert
    alert.state, alert.acknowledged_at, alert.acknowledged_by = State.ACKNOWLEDGED, clock.now(), actor.name
    alert.reason = reason
    alert.save(update_fields=["state", "acknowledged_at", "acknowledged_by", "reason"])
    _record(alert, "alert.acknowledge", actor, reason=reason)
    return alert


@transaction.atomic
def close_alert(*, alert: Alert, actor: Principal, reason: str) -> Alert:
    """Say that it is over. The next window with the same trouble opens another. Idempotent."""
    alert = _locked(alert)
    if not alert.is_closed:
        _close(alert, actor, reason)
    return alert


def _alerts() -> QuerySet[Alert]:
    return Alert.objects.select_related(
        "project",
        "monitor__project",
        "monitor__environment",
        "monitor__version__model__project",
        "first_window",
        "last_window",
    )


def _locked(alert: Alert) -> Alert:
    lock_monitor(alert.monitor_id)
    return _alerts().get(pk=alert.pk)


def _has_met(monitor: Monitor, kind: str, cause: str) -> bool:
    met = Alert.objects.filter(monitor=monitor, kind=kind).values_list("causes", flat=True)
    return any(cause in causes for causes in met)


def _open(monitor: Monitor, alarm: Alarm, window: Window | None, cause: str) -> Alert:
    alert = Alert.objects.create(
        project=monitor.project,
        monitor=monitor,
        kind=alarm.kind,
        severity=alarm.severity,
        columns=list(alarm.columns),
        message=alarm.message,
        first_window=window,
        last_window=window,
        causes=[cause] if cause else [],
        opened_at=clock.now(),
        updated_at=clock.now(),
    )
    _record(alert, "alert.open", system_principal("worker"), after=_after(alert))
    _tell(alert, "alert.opened")
    return alert


def _update(alert: Alert, alarm: Alarm, window: Window | None, cause: str) -> Alert:
    """A newer window says how things are now; what is older, or no window, adds to what is known. Announced where severity
    or columns changed, or another cause came.
    """
    before = {"severity": alert.severity, "columns": list(alert.columns)}
    is_newest = window is not None and (alert.last_window is None or window.start >= alert.last_window.start)
    if is_newest:
        alert.severity, alert.columns, alert.message = alarm.severity, list(alarm.columns), alarm.message
        alert.last_window = window
    else:
        alert.severity = max(alert.severity, alarm.severity, key=rank)
        alert.columns = sorted({*alert.columns, *alarm.columns})
        alert.message = alarm.message if window is None else alert.message
    if window is not None and (alert.first_window is None or window.start < alert.first_window.start):
        alert.first_window = window
    if cause:
        alert.causes = [*alert.causes, cause]
    alert.updated_at = clock.now()
    alert.save()
    if cause or before != {"severity": alert.severity, "columns": alert.columns}:
        _record(alert, "alert.update", system_principal("worker"), before=_brief(before), after=_after(alert))
        _tell(alert, "alert.updated")
    return alert


def _close(alert: Alert, actor: Principal, reason: str) -> None:
    before = alert.state
    alert.state, alert.closed_at, alert.closed_by, alert.reason = State.CLOSED, clock.now(), actor.name, reason
    alert.save(update_fields=["state", "closed_at", "closed_by", "reason"])
    _record(alert, "alert.close", actor, reason=reason, before={"state": before}, after={"state": alert.state})
    _tell(alert, "alert.closed")


def _tell(alert: Alert, event: str) -> None:
    """Announce it, or have it announced when the quiet hours are over."""
    alert.told += 1
    alert.save(update_fields=["told"])
    facts = facts_of(alert, event)
    wait_s = quiet_for(alert.monitor.quiet_hours, clock.now())
    if wait_s:
        jobs.enqueue("monitoring.announce", event=event, facts=facts, _delay_s=wait_s)
    else:
        events.announce(event, **facts)


def facts_of(alert: Alert, event: str) -> dict[str, Any]:
    """What announcements say of an alert. `key` is of this announcement alone."""
    monitor, version = alert.monitor, alert.monitor.version
    word = {"alert.opened": "", "alert.updated": "Still: ", "alert.closed": "Over: "}[event]
    text = alert.message if event != "alert.closed" else alert.reason
    return {
        "project_id": alert.project_id,
        "alert_id": str(alert.uuid),
        "kind": str(alert.kind),
        "severity": str(alert.severity),
        "model": version.model.name,
        "number": version.number,
        "digest": version.digest,
        "environment": monitor.environment.name,
        "columns": alert.columns[:COLUMNS_TOLD],
        "monitor": str(monitor.uuid),
        "owner": monitor.owner,
        "title": f"{word}{WORDS[alert.kind]}, {monitor.label}",
        "text": text[:TEXT_LENGTH],
        "url": links.alert_page(alert),
        "key": f"{alert.uuid}:{alert.told}",
    }


def _after(alert: Alert) -> dict[str, Any]:
    window = alert.last_window
    facts = {"kind": alert.kind, "severity": alert.severity, "columns": alert.columns, "message": alert.message}
    return _brief(facts) | {"window": window.start if window is not None else None, "causes": alert.causes[-1:]}


def _brief(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Short enough for the ledger; the whole is on the alert and on the window's evaluation."""
    brief = dict(facts)
    brief["columns"] = [name[:100] for name in facts["columns"][:COLUMNS_TOLD]]
    if "message" in brief:
        brief["message"] = facts["message"][:TEXT_LENGTH]
    return brief


def _record(alert: Alert, action: str, actor: Principal, **evidence: Any) -> None:
    version = alert.monitor.version
    refs = [
        ("alert", str(alert.uuid)),
        ("monitor", str(alert.monitor.uuid)),
        ("model", str(version.model.uuid)),
    ]
    record(action=action, target=version_target(version), actor=actor, project=alert.project, refs=refs, **evidence)
