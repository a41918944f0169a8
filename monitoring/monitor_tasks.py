"""Jobs of monitors: each loads by id and calls one service. All may run more than once."""

from typing import Any

from django.conf import settings
from django.db import transaction

from core import events, jobs
from core.events import subscribe
from core.jobs import job
from monitoring.services import evaluations, sources, watching, windows

CLOSE_EVERY_S = 20.0
SOURCES_EVERY_S = 60.0
SILENCE_EVERY_S = 300.0
DROP_EVERY_S = 24 * 3_600.0
EVALUATE_LEASE_S = 900  # a thousand columns in ninety accepted windows take some two minutes


@job("monitoring.freeze_baseline")
def freeze_baseline(*, version_uuid: str, **_: Any) -> None:
    watching.freeze_registered(version_uuid=version_uuid)


@job("monitoring.watch_version")
def watch_version(*, project_id: int, model: str, number: int, environment: str, **_: Any) -> None:
    watching.watch_version(project_id=project_id, model=model, number=number, environment=environment)


@job("monitoring.tell_mismatch")
def tell_mismatch(
    *,
    deployment: str,
    promoted_digest: str | None,
    project_id: int,
    model: str,
    number: int,
    environment: str,
    **_: Any,
) -> None:
    watching.tell_mismatch(
        deployment=deployment,
        promoted_digest=promoted_digest,
        project_id=project_id,
        model=model,
        number=number,
        environment=environment,
    )


@job("monitoring.weigh_evidence")
def weigh_evidence(*, version_uuid: str, report: str, **_: Any) -> None:
    watching.weigh_evidence(version_uuid=version_uuid, report=report)


@job("monitoring.close_windows")
def close_windows() -> None:
    windows.close_due()


@job("monitoring.evaluate_window", lease_s=EVALUATE_LEASE_S)
def evaluate_window(*, window_id: int) -> None:
    evaluations.evaluate_window(window_id=window_id)


@job("monitoring.find_silence")
def find_silence() -> None:
    for monitor_id in watching.find_silent():
        watching.tell_silence(monitor_id=monitor_id)


@job("monitoring.announce")
def announce(*, event: str, facts: dict[str, Any]) -> None:
    """What quiet hours held back. A worker that dies in between tells it once all the same."""
    with transaction.atomic():
        events.announce(event, **facts)


@job("monitoring.find_sources")
def find_sources() -> None:
    """A job for each, so that one which is slow holds up no other."""
    with transaction.atomic():
        for source_id in sources.due_sources():
            jobs.enqueue("monitoring.profile_source", _dedupe=f"source:{source_id}", source_id=source_id)


@job("monitoring.profile_source", lease_s=sources.TIMEOUT_S)
def profile_source(*, source_id: int) -> None:
    sources.profile_source(source_id=source_id)


@job("monitoring.drop_old_parts", lease_s=600)
def drop_old_parts() -> None:
    windows.drop_old_parts(days=settings.PROFILE_PARTS_DAYS)


jobs.every(seconds=CLOSE_EVERY_S, name="monitoring.close_windows")
jobs.every(seconds=SOURCES_EVERY_S, name="monitoring.find_sources")
jobs.every(seconds=SILENCE_EVERY_S, name="monitoring.find_silence")
jobs.every(seconds=DROP_EVERY_S, name="monitoring.drop_old_parts")

subscribe("model_version.registered", "monitoring.freeze_baseline")
subscribe("deployment.reported", "monitoring.watch_version")
subscribe("deployment.mismatch", "monitoring.tell_mismatch")
subscribe("promotion.committed", "monitoring.watch_version")
subscribe("evidence.attached", "monitoring.weigh_evidence")
