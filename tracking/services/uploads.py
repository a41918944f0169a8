"""Bytes on their way into the store: received in parts, checked, published under their digest."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256 as new_sha256

from django.db import transaction

from core import clock, jobs
from core.storage import NothingStaged, StoreAway, get_direct_store, get_store
from tracking.errors import ChecksumMismatch, RunDeleted, UploadIncomplete
from tracking.models import Artifact, Blob, Upload
from tracking.services import claims, seals
from tracking.services.artifacts import record_files
from tracking.services.links import sizes_of


def receive_part(*, upload: Upload, offset: int, chunks: Iterable[bytes]) -> int:
    """Write bytes from `offset` on; how many have arrived in all. Outside any transaction, as it lasts as long as the sender.

    Raises:
        StagingHole: `offset` is beyond what has arrived.
        StagingBusy: another request writes the same upload.
        TooLarge: more than was announced.
        StoreAway: the store does not answer.
    """
    return get_store().write_part(upload.staging_key, offset, _watched(upload, offset, chunks), max_bytes=upload.size)


def _watched(upload: Upload, offset: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, while the upload's row forgets the digest of what stood there before, and learns the new one if these
    are all bytes from the first to the last. A local store pulls them under its lock on the upload, so a row never speaks
    of bytes that another request, or one that broke off, has written over. In a bucket it may: there a commit takes no
    digest for proven, and a worker reads what is really stored.

    Each chunk is hashed while it is written and the next one read: both let go of the interpreter.
    """
    _remember(upload, "")
    hasher, received = new_sha256(), offset
    with ThreadPoolExecutor(1) as beside:
        hashed: Future[None] | None = None
        for chunk in chunks:
            if hashed is not None:
                hashed.result()
            hashed = beside.submit(hasher.update, chunk)
            received += len(chunk)
            yield chunk
    if offset == 0 and received == upload.size:
        _remember(upload, hasher.hexdigest())


def _remember(upload: Upload, streamed_sha256: str) -> None:
    Upload.objects.filter(pk=upload.pk).update(touched_at=clock.now(), streamed_sha256=streamed_sha256)


def commit_upload(*, upload: Upload) -> Artifact:
    """Check, publish and record the file. Again is the same answer.

    In a bucket, what was sent in parts is not copied now but by a worker, who also finds wrong bytes that the bucket took.

    Raises:
        UploadIncomplete: bytes are missing.
        ChecksumMismatch: the bytes are others than announced; they are dropped, and the upload begins again.
        RunDeleted: the run was deleted meanwhile.
        StoreAway: the store does not answer.
    """
    if upload.committed_at is not None:
        return Artifact.objects.select_related("blob").get(run_id=upload.run_id, path=upload.path)
    store = get_store()
    received = _joined(upload)
    if received is None:
        received = store.staged_size(upload.staging_key)
    if received != upload.size:
        raise UploadIncomplete(size=upload.size, received=received)
    found = upload.streamed_sha256 or (_hash(store.read_staged(upload.staging_key)) if store.is_near else upload.sha256)
    if found != upload.sha256:
        store.discard(upload.staging_key)
        Upload.objects.filter(pk=upload.pk).update(streamed_sha256="", multipart_id="")
        raise ChecksumMismatch(announced=upload.sha256, found=found)
    if store.is_near:
        return _publish(upload)
    if upload.run.is_deleted:
        raise RunDeleted(upload.run.uuid)
    return _publish_far(upload)


def _joined(upload: Upload) -> int | None:
    """Bytes of the parts, if they were joined now."""
    direct = get_direct_store()
    if direct is None or not upload.multipart_id:
        return None
    return direct.join_parts(upload.staging_key, upload.multipart_id, sizes_of(upload).count)


def _publish_far(upload: Upload) -> Artifact:
    """What was copied is still there afterwards, so bytes that a sweep took away in between are published again; what was
    promised is not, and has to be sent again.
    """
    store = get_store()
    for attempt in range(claims.TRIES):
        before = claims.known(upload.run.project_id, [upload.sha256])
        if attempt and not store.staged_size(upload.staging_key):
            break
        promised = _publish_bytes(upload) and _goes_by_promise(upload)
        try:
            artifact = _publish(upload, before)
        except claims.Swept:
            continue
        if not promised:
            with suppress(StoreAway):  # then the daily sweep clears it
                store.discard(upload.staging_key)
        return artifact
    raise claims.Swept


def _goes_by_promise(upload: Upload) -> bool:
    """Whether it is published where it was staged, and copied later: what was joined of parts is."""
    return bool(upload.multipart_id) and get_direct_store() is not None


def _publish_bytes(upload: Upload) -> bool:
    """Whether they were written. Raises UploadIncomplete."""
    store, project = get_store(), upload.run.project
    blob = Blob.objects.filter(project_id=project.pk, sha256=upload.sha256).first()
    if blob is not None and blob.state == Blob.State.QUARANTINED:
        store.delete(project.uuid, upload.sha256)  # what lies there is not what it is named; these bytes are
    direct = get_direct_store()
    try:
        if direct is not None and _goes_by_promise(upload):
            return direct.promise(upload.staging_key, project.uuid, upload.sha256)
        return store.publish(upload.staging_key, project.uuid, upload.sha256)
    except NothingStaged as exc:
        raise UploadIncomplete(size=upload.size, received=0) from exc


@transaction.atomic
def _publish(upload: Upload, before: Mapping[str, int] | None = None) -> Artifact:
    """Bytes first, rows after: a crash in between leaves an object that nothing names, never a name without an object.

    In a store nearby the bytes are published under the lock on their row; a bucket may take minutes, and did so before.
    """
    run = seals.lock_for_writing(upload.run)
    proven: set[str] = set()  # what a bucket has, nobody has hashed yet
    if before is None:
        Blob.objects.select_for_update().filter(project_id=run.project_id, sha256=upload.sha256).first()
        proven = {upload.sha256} if _publish_bytes(upload) else proven
    blob = claims.claim(run.project, {upload.sha256: upload.size}, before or {}, proven=proven)[upload.sha256]
    Upload.objects.filter(pk=upload.pk).update(committed_at=clock.now())
    artifact = record_files(run, {upload.path: blob})[upload.path]
    if blob.state == Blob.State.UNVERIFIED:
        job = "tracking.settle_blob" if _goes_by_promise(upload) else "tracking.verify_blob"
        jobs.enqueue(job, _dedupe=f"verify:{blob.pk}", blob_id=blob.pk)
    seals.note_late_write(run)
    return artifact


def _hash(chunks: Iterable[bytes]) -> str:
    hasher = new_sha256()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hexdigest()
