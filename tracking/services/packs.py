"""Many small files in one request: hashed here, published side by side, recorded together."""

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from core import clock, jobs
from core.storage import get_store
from tracking.errors import ChecksumMismatch, RunDeleted, UploadIncomplete, UploadNotFound
from tracking.models import Blob, Run, Upload
from tracking.services import claims, seals
from tracking.services.artifacts import record_files


def receive_pack(*, run: Run, contents: Mapping[UUID, bytes]) -> dict[UUID, str]:
    """Take the whole bytes of announced files, by upload; for each why it was refused, or nothing. Again is the same answer.

    Raises:
        RunDeleted: the run was deleted meanwhile.
        StoreAway: the store does not answer; nothing is recorded.
    """
    if run.is_deleted:
        raise RunDeleted(run.uuid)
    uploads = {upload.uuid: upload for upload in Upload.objects.filter(run=run, uuid__in=contents)}
    reasons = {name: _reason_against(uploads.get(name), data) for name, data in contents.items()}
    taken = [uploads[name] for name, reason in reasons.items() if not reason and uploads[name].committed_at is None]
    if taken:
        _take(run, taken, {upload.sha256: contents[upload.uuid] for upload in taken})
    return reasons


def _take(run: Run, uploads: list[Upload], contents: Mapping[str, bytes]) -> None:
    """Bytes, then rows; once more where a sweep took bytes away in between."""
    for _ in range(claims.TRIES):
        before = claims.known(run.project_id, contents)
        written = _publish(run, contents)
        try:
            return _record(run, uploads, before, written)
        except claims.Swept:
            continue
    raise claims.Swept


def _reason_against(upload: Upload | None, data: bytes) -> str:
    if upload is None:
        return UploadNotFound().detail
    if len(data) != upload.size:
        return UploadIncomplete(size=upload.size, received=len(data)).detail
    found = sha256(data).hexdigest()
    return "" if found == upload.sha256 else ChecksumMismatch(announced=upload.sha256, found=found).detail


def _publish(run: Run, contents: Mapping[str, bytes]) -> set[str]:
    """Those that were written; the others lay there."""
    store, project = get_store(), run.project.uuid
    wrong = Blob.objects.filter(project_id=run.project_id, sha256__in=contents, state=Blob.State.QUARANTINED)
    for digest in wrong.values_list("sha256", flat=True):
        store.delete(project, digest)  # what lies there is not what it is named; these bytes are
    return store.put_all(project, contents)


@transaction.atomic
def _record(run: Run, uploads: list[Upload], before: Mapping[str, int], written: set[str]) -> None:
    run = seals.lock_for_writing(run)
    blobs = claims.claim(run.project, {upload.sha256: upload.size for upload in uploads}, before, proven=written)
    record_files(run, {upload.path: blobs[upload.sha256] for upload in uploads})
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(committed_at=clock.now())
    waiting = [blob.pk for blob in blobs.values() if blob.state == Blob.State.UNVERIFIED]
    if waiting:
        jobs.enqueue("tracking.verify_blobs", blob_ids=waiting)
    seals.note_late_write(run)
