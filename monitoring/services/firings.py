"""Firings: a cause meets a trigger once, and its message is sent until it is taken.

The cause is announced in its own transaction, so a job will come here whatever happens; it may come twice, and two may
come at once. The trigger's row is locked while it is decided, and the key of the cause is unique.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.services import record
from core import clock, events, jobs
from core.access import Principal, system_principal
from lineage.services import ensure_node
from monitoring import links
from monitoring.errors import TriggerMissing
from monitoring.evidence import trigger_target
from monitoring.models import Firing, Trigger
from monitoring.services.causes import Cause, calendar_cause, trial_cause
from monitoring.services.triggers import lock_trigger
from monitoring.triggers.calendars import next_due
from monitoring.triggers.filters import matches, rank
from registry.models import ModelVersion
from tracking.models import Run

State = Firing.State


def fire_matching(*, project_id: int, cause: Cause) -> list[Firing]:
    """Fire each trigger of the project that waits for such a cause, each in a transaction of its own. Idempotent."""
    waiting = _armed().filter(project_id=project_id, on=cause.type).order_by("pk")
    fitting = [trigger.pk for trigger in waiting if matches(trigger.on, trigger.filter, cause.facts)]
    return [firing for trigger_id in fitting if (firing := _fire_enabled(trigger_id, cause)) is not None]


@transaction.atomic
def _fire_enabled(trigger_id: int, cause: Cause) -> Firing | None:
    """None where it was switched off or deleted since it was looked up."""
    try:
        trigger = lock_trigger(trigger_id)
    except TriggerMissing:
        return None
    return _fire(trigger, cause, actor=system_principal("worker")) if trigger.enabled else None


def due_calendars() -> list[int]:
    """Primary keys of the triggers whose calendar is due, longest first."""
    due = _armed().filter(next_at__lte=clock.now())
    return list(due.order_by("next_at").values_list("pk", flat=True))


def _armed() -> QuerySet[Trigger]:
    """Those that may fire. An archived project starts nothing; when it is restored, a missed calendar catches up once."""
    return Trigger.objects.filter(enabled=True, deleted_at__isnull=True, project__archived_at__isnull=True)


@transaction.atomic
def fire_calendar(*, trigger_id: int) -> Firing | None:
    """Fire if it is due, once for all the moments that were missed, and wait for the next one from now. Idempotent."""
    try:
        trigger = lock_trigger(trigger_id)
    except TriggerMissing:
        return None
    now = clock.now()
    if not trigger.enabled or trigger.next_at is None or trigger.next_at > now:
        return None
    due = trigger.next_at
    trigger.next_at = next_due(**trigger.filter, after=now)
    trigger.save(update_fields=["next_at"])
    return _fire(trigger, calendar_cause(trigger, due), actor=system_principal("worker"))


@transaction.atomic
def fire_for_trial(*, trigger: Trigger, actor: Principal) -> Firing:
    """Fire now, whether or not it is enabled and cooled down, to see that it works. Raises TriggerMissing."""
    return _fire(lock_trigger(trigger.pk), trial_cause(actor.name), actor=actor)


def _fire(trigger: Trigger, cause: Cause, *, actor: Principal) -> Firing:
    """The caller holds the trigger's lock."""
    known = _known(trigger, cause)
    if known is not None:
        return known
    why_not = _why_not(trigger, cause)
    firing = Firing.objects.create(
        trigger=trigger,
        cause_type=cause.type,
        cause_id=cause.id,
        cause_key=cause.key,
        cause_label=cause.label[:500],
        facts=dict(cause.facts),
        state=State.SUPPRESSED if why_not else State.PENDING,
        detail=why_not,
        fired_at=clock.now(),
    )
    if not why_not:
        _set_off(firing, actor)
    return firing


def _known(trigger: Trigger, cause: Cause) -> Firing | None:
    """The firing that this cause made already. An alert that has become milder is no news."""
    met = Firing.objects.filter(trigger=trigger)
    if cause.type != Firing.Cause.ALERT:
        return met.filter(cause_key=cause.key).first()
    earlier = met.filter(cause_type=cause.type, cause_id=cause.id).order_by("-id")
    severity = rank(cause.facts.get("severity"))
    return next((firing for firing in earlier if rank(firing.facts.get("severity")) >= severity), None)


def _why_not(trigger: Trigger, cause: Cause) -> str:
    if cause.type == Firing.Cause.TEST:
        return ""
    if _is_its_own_doing(trigger, cause):
        return "It was brought by a run that this trigger started."
    if trigger.last_fired_at is None:
        return ""
    cool_at = trigger.last_fired_at + timedelta(seconds=trigger.cool_down_s)
    return f"It is cooling down until {clock.text(cool_at)[:19]}Z." if clock.now() < cool_at else ""


def _is_its_own_doing(trigger: Trigger, cause: Cause) -> bool:
    """Data that retraining itself makes would otherwise retrain for ever."""
    if not cause.facts.get("run"):
        return False
    runs = Run.objects.filter(project_id=trigger.project_id, uuid=UUID(cause.facts["run"]))
    return Firing.objects.filter(trigger=trigger, uuid__in=runs.values("caused_by")).exists()


def _set_off(firing: Firing, actor: Principal) -> None:
    """Give the cause its place in the lines of descent, say so on the ledger, and promise the message."""
    trigger = firing.trigger
    if firing.cause_type != Firing.Cause.TEST:
        trigger.last_fired_at = firing.fired_at
        trigger.save(update_fields=["last_fired_at"])
    ensure_node(project=trigger.project, kind="cause", key=str(firing.uuid))
    after = {
        "firing": firing.uuid,
        "cause": {"type": firing.cause_type, "id": firing.cause_id},
        "label": firing.cause_label,
    }
    _record(firing, "trigger.fire", actor, after=after)
    events.announce("trigger.fired", **facts(firing))
    jobs.enqueue("monitoring.send_firing", firing_id=firing.pk)


def facts(firing: Firing) -> dict[str, Any]:
    """What announcements say of a firing."""
    return {
        "project_id": firing.trigger.project_id,
        "trigger": firing.trigger.name,
        "firing": str(firing.uuid),
        "cause": firing.cause_label,
        "url": links.firings_of(firing),
    }


def link_run(*, project_id: int, run: str, cause: str) -> None:
    """A run says that this firing caused it. The first is kept here; the lines of descent have all. Idempotent."""
    firing = _caused(project_id, UUID(cause))
    if firing is not None and firing.run_id is None:
        found = Run.objects.get(project_id=project_id, uuid=UUID(run))
        Firing.objects.filter(pk=firing.pk, run__isnull=True).update(run=found)


def link_version(*, project_id: int, version_uuid: str) -> None:
    """A version was registered; if its run was caused by a firing, it came of that. The first is kept. Idempotent."""
    version = ModelVersion.objects.select_related("run").get(uuid=UUID(version_uuid))
    if version.run.caused_by is not None:
        firing = _caused(project_id, version.run.caused_by)
        if firing is not None:
            Firing.objects.filter(pk=firing.pk, version__isnull=True).update(version=version)


def _caused(project_id: int, uuid: UUID) -> Firing | None:
    return Firing.objects.filter(trigger__project_id=project_id, uuid=uuid).exclude(state=State.SUPPRESSED).first()


def _record(firing: Firing, action: str, actor: Principal, **evidence: Any) -> None:
    trigger = firing.trigger
    record(
        action=action,
        target=trigger_target(trigger),
        actor=actor,
        project=trigger.project,
        refs=[("firing", str(firing.uuid))],
        **evidence,
    )
