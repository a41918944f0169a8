"""What a restored server must not do again: the backup's outbox and tokens are of a time that has gone on elsewhere.

Between the backup and the loss the old server may have sent what waits here, and decided what is undecided here. So
everything that reaches out of the server, or decides, is held: kept, marked, and left to people. What only looks inward
is done again, as the outbox does after any crash.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from accounts.models import LoginLink, PageSession, Token
from accounts.services import revoke_token
from audit.restores import Head, record_restore
from config.backups.manifest import Absent, Manifest
from core import clock
from core.access import system_principal
from core.models import Job
from monitoring.models import Firing, Trigger
from monitoring.triggers.calendars import next_due
from notify.models import Delivery
from notify.services.publishing import publish_announced
from tracking.models import Blob

INWARD = (
    "core.",
    "audit.",
    "accounts.",
    "lineage.",
    "retention.",
    "tracking.",
    "notify.forget_old",
    "registry.begin_project",
    "registry.review_",
    "registry.pin_seals",
    "registry.issue_receipt",
    "registry.expire_promotions",
    "monitoring.freeze_baseline",
    "monitoring.watch_version",
    "monitoring.close_windows",
    "monitoring.evaluate_window",
    "monitoring.find_",
    "monitoring.profile_source",
    "monitoring.drop_old_parts",
    "monitoring.weigh_evidence",
    "monitoring.link_",
)
"""Beginnings of the names of jobs that change nothing outside and decide nothing. A job of a later release is held."""
PUBLISH = "notify.publish."


@dataclass
class Settled:
    """What was held back, and what else was changed. `jobs` counts by name."""

    deliveries: int = 0
    firings: int = 0
    calendars: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    sessions: int = 0
    absent_objects: int = 0

    def facts(self) -> Mapping[str, int]:
        return {
            "held_deliveries": self.deliveries,
            "held_firings": self.firings,
            "held_jobs": sum(self.jobs.values()),
            "moved_calendars": self.calendars,
            "absent_objects": self.absent_objects,
        }


@transaction.atomic
def settle(manifest: Manifest, *, given_up: Sequence[Head], by: str, reason: str) -> Settled:
    """Hold what waits, mark what is not there, and put the restore on the ledger: all of it, or nothing."""
    why = f"Held by the restore of the backup of {manifest.made_at}: it may have happened since."
    settled = Settled()
    _tell_what_was_announced()
    settled.deliveries = _hold_deliveries(why)
    settled.firings = _hold_firings(why)
    settled.calendars = _move_calendars()
    settled.jobs = _hold_jobs(why)
    settled.absent_objects = _mark_absent(manifest.absent)
    record_restore(
        name=manifest.name,
        position=manifest.ledger.size,
        given_up=given_up,
        by=by,
        reason=reason,
        facts={"root": manifest.ledger.root, "made_at": manifest.made_at, **settled.facts()},
    )
    return settled


def _open_jobs() -> list[Job]:
    return list(Job.objects.filter(done_at=None, failed_at=None).order_by("pk"))


def _tell_what_was_announced() -> None:
    """Make the deliveries of facts that were announced and not yet turned into any, so that they can be seen and replayed."""
    for job in _open_jobs():
        if not job.name.startswith(PUBLISH):
            continue
        try:
            with transaction.atomic():
                publish_announced(job.name.removeprefix(PUBLISH), **job.arguments)
        except Exception as exc:  # noqa: BLE001 - whatever is wrong with one fact, the others are restored
            Job.objects.filter(pk=job.pk).update(
                failed_at=clock.now(), leased_until=None, last_error=f"{type(exc).__name__}: {exc}"[:2_000]
            )
        else:
            Job.objects.filter(pk=job.pk).update(done_at=clock.now(), leased_until=None)


def _hold_deliveries(why: str) -> int:
    """A person can replay each, under its own id."""
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING)
    return waiting.update(
        state=Delivery.State.FAILED, detail=f"{why} Replay it if not.", ended_at=clock.now(), next_at=None
    )


def _hold_firings(why: str) -> int:
    waiting = Firing.objects.filter(state=Firing.State.PENDING)
    return waiting.update(state=Firing.State.FAILED, detail=why, ended_at=clock.now())


def _move_calendars() -> int:
    """What a calendar missed may have been started by the old server; the next time is its turn again."""
    now, moved = clock.now(), 0
    for trigger in Trigger.objects.filter(next_at__lte=now, on=Trigger.On.CALENDAR):
        trigger.next_at = next_due(**trigger.filter, after=now)
        trigger.save(update_fields=["next_at"])
        moved += 1
    return moved


def _hold_jobs(why: str) -> dict[str, int]:
    """Set aside as failed, where people find them; the leases of workers that are gone end."""
    held = [job for job in _open_jobs() if not job.name.startswith(INWARD)]
    Job.objects.filter(pk__in=[job.pk for job in held]).update(failed_at=clock.now(), leased_until=None, last_error=why)
    Job.objects.filter(done_at=None, failed_at=None).update(leased_until=None)
    return dict(Counter(job.name for job in held))


def _mark_absent(absent: Sequence[Absent]) -> int:
    marked = 0
    for each in absent:
        found = Blob.objects.filter(project__uuid=UUID(each.project), sha256=each.sha256)
        marked += found.update(state=Blob.State.MISSING, checked_at=clock.now())
    return marked


@transaction.atomic
def revoke_all(manifest: Manifest) -> tuple[int, int]:
    """How many tokens and sessions ended.

    Tokens that were revoked after the backup live again by it, and nobody can tell which: so none stays.
    """
    actor = system_principal("operator")
    tokens = Token.objects.filter(revoked_at=None)
    count = 0
    for token in tokens:
        revoke_token(token=token, actor=actor, reason=f"restored from the backup {manifest.name}")
        count += 1
    LoginLink.objects.all().delete()
    sessions, _ = PageSession.objects.all().delete()
    return count, sessions
