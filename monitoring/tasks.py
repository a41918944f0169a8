"""Jobs of the monitoring room: each loads by id and calls one service. All may run more than once."""

from typing import Any

from django.db import transaction

from core import jobs
from core.events import subscribe
from core.jobs import job
from monitoring.services import causes, firings, sending

CALENDARS_EVERY_S = 20.0  # a calendar is true to the minute

SEND_LEASE_S = 180  # two requests, each with a connection and some reads of at most 20 s


@job("monitoring.fire_for_alert")
def fire_for_alert(*, project_id: int, **facts: Any) -> None:
    firings.fire_matching(project_id=project_id, cause=causes.alert_cause(facts))


@job("monitoring.fire_for_dataset")
def fire_for_dataset(*, project_id: int, **facts: Any) -> None:
    firings.fire_matching(project_id=project_id, cause=causes.dataset_cause(facts))


@job("monitoring.fire_calendars")
def fire_calendars() -> None:
    """A job for each, so that one which cannot be fired holds up no other."""
    with transaction.atomic():
        for trigger_id in firings.due_calendars():
            jobs.enqueue("monitoring.fire_calendar", _dedupe=f"calendar:{trigger_id}", trigger_id=trigger_id)


@job("monitoring.fire_calendar")
def fire_calendar(*, trigger_id: int) -> None:
    firings.fire_calendar(trigger_id=trigger_id)


@job("monitoring.send_firing", lease_s=SEND_LEASE_S, max_attempts=sending.MOST_ATTEMPTS + 8)
def send_firing(*, firing_id: int) -> None:
    """The firing counts its own attempts; the outbox has some to spare for workers that die."""
    sending.send_firing(firing_id=firing_id)


@job("monitoring.link_run")
def link_run(*, project_id: int, run: str, cause: str, **_: Any) -> None:
    firings.link_run(project_id=project_id, run=run, cause=cause)


@job("monitoring.link_version")
def link_version(*, project_id: int, version_uuid: str, **_: Any) -> None:
    firings.link_version(project_id=project_id, version_uuid=version_uuid)


jobs.every(seconds=CALENDARS_EVERY_S, name="monitoring.fire_calendars")

subscribe("alert.opened", "monitoring.fire_for_alert")
subscribe("alert.updated", "monitoring.fire_for_alert")
subscribe("dataset_version.registered", "monitoring.fire_for_dataset")
subscribe("run.caused", "monitoring.link_run")
subscribe("model_version.registered", "monitoring.link_version")
