"""Parts: profiles as production sends them, each taken once, into the window that it begins in."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from core import clock
from core.errors import Invalid
from monitoring.alarms import Alarm
from monitoring.errors import PartDiffers, ProfileMismatch
from monitoring.models import Alert, Baseline, Monitor, ProfilePart, Window
from monitoring.profiles import Profile
from monitoring.services.alerts import close_recovered, raise_alarm
from monitoring.services.baselines import read_document
from monitoring.services.locking import lock_monitor
from monitoring.services.windows import reopen, window_at
from registry.services.deployments import CLOCK_SKEW


def receive_part(
    *, monitor: Monitor, uuid: UUID, start: datetime, end: datetime, document: bytes, sender: str
) -> tuple[ProfilePart, bool]:
    """Keep the profile `document` of rows from `start` to `end` under the sender's id for it; and whether it is news. It
    belongs to the window that `start` falls into. One that comes after its window was judged has it judged again.

    Raises:
        ProfileUnreadable: it is no profile, or was altered on the way.
        ProfileMismatch: it cannot be compared with the baseline, or merged with what its window has. Where it was made
            for another version an alert says so.
        PartDiffers: another profile came under this id.
        Invalid: it ends before it begins, or begins in the future.
    """
    digest = sha256(document).hexdigest()
    known = _known(monitor, uuid, digest)
    if known is not None:
        return known, False
    profile = read_document(document)
    _check_span(start, end)
    _check_key(monitor, profile)
    part = ProfilePart(
        uuid=uuid, start=start, end=end, rows=profile.rows, document=document, sha256=digest, received_from=sender
    )
    return _keep(monitor, part, privacy=profile.privacy)


def _known(monitor: Monitor, uuid: UUID, digest: str) -> ProfilePart | None:
    part = ProfilePart.objects.select_related("window").filter(monitor=monitor, uuid=uuid).first()
    if part is not None and part.sha256 != digest:
        raise PartDiffers(f"Another profile came under the id {uuid}; an id names one profile.")
    return part


def _check_span(start: datetime, end: datetime) -> None:
    now = clock.now()
    if end < start:
        raise Invalid("A part ends when it begins, or later.", field="end")
    if start > now + CLOCK_SKEW:
        raise Invalid(f"{clock.text(start)} is in the future; it is {clock.text(now)} here.", field="start")


def _check_key(monitor: Monitor, profile: Profile) -> None:
    """What is hashed otherwise than the baseline was made for another version. Somebody should know, so the alert stands,
    though the profile is refused.
    """
    baseline = Baseline.objects.defer("document").filter(version=monitor.version_id).first()
    if baseline is None:
        return
    if profile.key == baseline.key_name:
        return
    detail = (
        f"The profile is hashed under key {profile.key}, and the baseline of {monitor.version.label} under "
        f"{baseline.key_name}."
    )
    _tell_mismatch(monitor, f"{detail} Serving code profiles for another version, and is refused.")
    raise ProfileMismatch(f"{detail} Ask for this monitor's reference, and profile against that.", field="profile")


@transaction.atomic
def _tell_mismatch(monitor: Monitor, message: str) -> None:
    locked = lock_monitor(monitor.pk)
    raise_alarm(locked, Alarm(Alert.Kind.MISMATCH, Monitor.Severity.WARN, messages=(message,)))


@transaction.atomic
def _keep(monitor: Monitor, part: ProfilePart, *, privacy: str) -> tuple[ProfilePart, bool]:
    monitor = lock_monitor(monitor.pk)
    known = _known(monitor, part.uuid, part.sha256)  # another request may have been faster
    if known is not None:
        return known, False
    window = window_at(monitor, part.start, privacy=privacy)
    if window.privacy != privacy:
        raise ProfileMismatch(
            f"This window has {window.privacy} profiles, with which a {privacy} one does not merge.", field="profile"
        )
    part.monitor, part.window, part.received_at = monitor, window, clock.now()
    part.save()
    if window.state != Window.State.OPEN:
        reopen(window)
    close_recovered(monitor, Alert.Kind.SILENCE, "Data came again.")
    return part, True
