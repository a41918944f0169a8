"""What a worker does with stored bytes: reads them again, says whether they are what their name says, clears what was left behind."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from audit.services import record
from audit.verifiers import Checked
from core import clock, events
from core.access import system_principal
from core.storage import ObjectMissing, StoreAway, get_store
from tracking.evidence import blob_target
from tracking.limits import PACK_FILE_BYTES, STALE_UPLOAD_DAYS
from tracking.models import Blob, Upload

STORED_BYTES_BUDGET_S = 600  # of the hourly check, so that other jobs get their turn
STORED_BYTES_AT_ONCE = 20_000
SETTLED_AT_ONCE = 1_000  # blobs that no worker came to for days: some are there only where workers are away


def verify_blob(*, blob_id: int) -> str:
    """Hash the stored bytes and record the outcome; the new state. Reads the whole object. Safe to run twice.

    A blob that a sweep has given up stays so, and one that is gone altogether is missing. If it was published or given up
    while it was read, it is read again.

    Raises:
        StoreAway: the store does not answer, which says nothing about the bytes.
    """
    blob = Blob.objects.select_related("project").filter(pk=blob_id).first()
    if blob is None or blob.condemned_at is not None:
        return Blob.State.MISSING
    if blob.state == Blob.State.UNVERIFIED and blob.size > PACK_FILE_BYTES:
        get_store().settle(blob.project.uuid, blob.sha256)
    found = _state_of(blob)
    with transaction.atomic():
        locked = Blob.objects.select_for_update(of=("self",)).select_related("project").filter(pk=blob_id).first()
        if locked is None:
            return Blob.State.MISSING
        before = locked.state
        same = (before, locked.condemned_at) == (blob.state, blob.condemned_at)
        if same:
            locked.state, locked.checked_at = found, clock.now()
            locked.save(update_fields=["state", "checked_at"])
        if same and found != before:
            _tell(locked, before)
    return found if same else verify_blob(blob_id=blob_id)


def _state_of(blob: Blob) -> str:
    hasher = sha256()
    size = 0
    try:
        for chunk in _stored_bytes(blob):
            hasher.update(chunk)
            size += len(chunk)
    except ObjectMissing:
        return Blob.State.MISSING
    intact = size == blob.size and hasher.hexdigest() == blob.sha256
    return Blob.State.VERIFIED if intact else Blob.State.QUARANTINED


def _stored_bytes(blob: Blob) -> Iterable[bytes]:
    """Small ones at once, which costs a fifth of a stream where a bucket holds them. Raises ObjectMissing, StoreAway."""
    store, project = get_store(), blob.project.uuid
    if blob.size <= PACK_FILE_BYTES:
        return [store.read_all(project, [blob.sha256])[blob.sha256]]
    return store.open(project, blob.sha256)


def _tell(blob: Blob, before: str) -> None:
    """Good news is announced; bad news goes on the ledger as well."""
    if blob.state == Blob.State.VERIFIED:
        events.announce("blob.verified", project_id=blob.project_id, sha256=blob.sha256)
        return
    record(
        action="blob.quarantine",
        target=blob_target(blob),
        actor=system_principal("verifier"),
        project=blob.project,
        before={"state": before},
        after={"state": blob.state},
    )
    events.announce("blob.quarantined", project_id=blob.project_id, sha256=blob.sha256)


def forget_stale_uploads() -> int:
    """Drop uploads that nobody has touched for days, and staged bytes that no upload names; how many.

    None where so much waits to be copied that some of it may lie there still; the next time goes on.
    """
    store = get_store()
    limit = clock.now() - timedelta(days=STALE_UPLOAD_DAYS)
    if not _all_settled(limit):
        return 0
    old = Upload.objects.filter(committed_at=None, touched_at__lt=limit)
    stale = list(old.select_related("run__project")[:1_000])
    for upload in stale:
        if upload.multipart_id:  # a commit that broke off may have promised it, and others rely on that since
            store.settle(upload.run.project.uuid, upload.sha256)
        store.discard(upload.staging_key)
        upload.delete()
    # Staged bytes are as old as the beginning of their upload, and those of a late commit may not be copied yet.
    unsettled = Q(committed_at__gte=limit, multipart_id__gt="")
    wanted = set(Upload.objects.filter(Q(committed_at=None) | unsettled).values_list("staging_key", flat=True))
    orphans = [key for key in store.list_stale_staging(limit) if key not in wanted]
    for key in orphans:
        store.discard(key)
    return len(stale) + len(orphans)


def _all_settled(before: datetime) -> bool:
    """Whether nothing that was staged before is an object that a worker did not come to copy: it is copied now."""
    waiting = Blob.objects.select_related("project").filter(
        state=Blob.State.UNVERIFIED, size__gt=PACK_FILE_BYTES, created_at__lt=before
    )
    some = list(waiting.order_by("pk")[:SETTLED_AT_ONCE])
    for blob in some:
        get_store().settle(blob.project.uuid, blob.sha256)
    return len(some) < SETTLED_AT_ONCE


def verify_stored_bytes() -> Checked:
    """Hash again those blobs that were checked longest ago, as many as an hour allows; what no longer is what it was.

    For the ledger's hourly job. Each blob that changed is also quarantined, on the record.

    Raises:
        StoreAway: the store does not answer, and nothing wrong was found before; the job asks again.
    """
    findings: list[str] = []
    count = 0
    end = clock.now() + timedelta(seconds=STORED_BYTES_BUDGET_S)
    usable = Blob.objects.filter(state__in=[Blob.State.VERIFIED, Blob.State.UNVERIFIED])
    for blob_id in usable.order_by("checked_at", "id").values_list("pk", flat=True)[:STORED_BYTES_AT_ONCE]:
        try:
            state = verify_blob(blob_id=blob_id)
        except StoreAway:
            if findings:
                break
            raise
        count += 1
        if state != Blob.State.VERIFIED:
            findings += _finding(blob_id)
        if clock.now() > end:
            break
    return Checked(count, findings)


def _finding(blob_id: int) -> list[str]:
    """Nothing of a blob that a sweep took away meanwhile: that was no accident."""
    left = Blob.objects.filter(pk=blob_id, condemned_at=None)
    return [f"The stored object {blob_target(blob).label} is not what it was." for blob in left]
