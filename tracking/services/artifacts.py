"""Files on their way into the store: announced, received in parts, checked, published under their digest."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as new_sha256

from django.db import connection, transaction

from core import clock, jobs
from core.errors import Invalid
from core.storage import get_store
from tracking.artifacts.paths import ArtifactPath, parse_path
from tracking.errors import ChecksumMismatch, UploadIncomplete
from tracking.limits import ARTIFACT_BYTES
from tracking.models import Artifact, Blob, Run, Upload
from tracking.services import seals

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Announced:
    """A file that a client has: its canonical path, its size in bytes, and the SHA-256 of its bytes in hex."""

    path: ArtifactPath
    size: int
    sha256: str


@dataclass(frozen=True)
class Wanted:
    """The answer to one announced file: `upload` is None where the bytes are here already, and the file is recorded."""

    path: str
    upload: Upload | None
    offset: int = 0


def check_announced(*, path: str, size: int, sha256: str, field: str) -> Announced:
    """Raises Invalid, naming the field."""
    canonical = parse_path(path, field=f"{field}.path")
    if not 0 <= size <= ARTIFACT_BYTES:
        raise Invalid(f"A file has 0 to {ARTIFACT_BYTES} bytes.", field=f"{field}.size")
    if not _SHA256.fullmatch(sha256):
        raise Invalid("A SHA-256 is 64 lower-case hex digits.", field=f"{field}.sha256")
    return Announced(canonical, size, sha256)


@transaction.atomic
def announce_files(*, run: Run, files: Sequence[Announced]) -> list[Wanted]:
    """For each file: recorded at once where this project holds its bytes, else an upload to send them to.

    The same announcement again finds the same upload, so that it goes on where it stopped. Raises RunDeleted.
    """
    run = seals.lock_for_writing(run)
    store = get_store()
    digests = {file.sha256 for file in files}
    blobs = _hold_blobs(run.project_id, digests)
    answers = []
    for file in files:
        blob = blobs.get(file.sha256)
        if blob and blob.is_usable and blob.size == file.size and store.exists(run.project.uuid, file.sha256):
            _record(run, file.path, blob)
            answers.append(Wanted(file.path, None))
        else:
            upload = _upload_for(run, file)
            answers.append(Wanted(file.path, upload, store.staged_size(upload.staging_key)))
    seals.note_late_write(run)
    return answers


def _hold_blobs(project_id: int, digests: Collection[str]) -> dict[str, Blob]:
    """The project's blobs of these digests, none of which a sweep takes away before this transaction ends.

    Raw, because the ORM has no FOR KEY SHARE: the lock that a reference takes, which many share. SQLite has one writer
    at a time and needs none of this.
    """
    blobs = Blob.objects.filter(project_id=project_id, sha256__in=digests)
    if connection.vendor == "postgresql" and digests:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM tracking_blob WHERE project_id = %s AND sha256 = ANY(%s) ORDER BY id FOR KEY SHARE",
                [project_id, sorted(digests)],
            )
    return {blob.sha256: blob for blob in blobs}


def _upload_for(run: Run, file: Announced) -> Upload:
    upload = Upload.objects.filter(
        run=run, path=file.path, size=file.size, sha256=file.sha256, committed_at=None
    ).first()
    return upload or Upload.objects.create(
        run=run, path=file.path, size=file.size, sha256=file.sha256, staging_key=get_store().new_staging_key()
    )


def receive_part(*, upload: Upload, offset: int, chunks: Iterable[bytes]) -> int:
    """Write bytes from `offset` on; how many have arrived in all. Outside any transaction, as it lasts as long as the sender.

    Raises:
        StagingHole: `offset` is beyond what has arrived.
        StagingBusy: another request writes the same upload.
        TooLarge: more than was announced.
    """
    return get_store().write_part(upload.staging_key, offset, _watched(upload, offset, chunks), max_bytes=upload.size)


def _watched(upload: Upload, offset: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, while the upload's row forgets the digest of what stood there before, and learns the new one if these
    are all bytes from the first to the last. The store pulls them under its lock on the upload, so a row never speaks
    of bytes that another request, or one that broke off, has written over.
    """
    _remember(upload, "")
    hasher, received = new_sha256(), offset
    for chunk in chunks:
        hasher.update(chunk)
        received += len(chunk)
        yield chunk
    if offset == 0 and received == upload.size:
        _remember(upload, hasher.hexdigest())


def _remember(upload: Upload, streamed_sha256: str) -> None:
    Upload.objects.filter(pk=upload.pk).update(touched_at=clock.now(), streamed_sha256=streamed_sha256)


def commit_upload(*, upload: Upload) -> Artifact:
    """Check, publish and record the file. Again is the same answer.

    Raises:
        UploadIncomplete: bytes are missing.
        ChecksumMismatch: the bytes are others than announced; they are dropped, and the upload begins again.
        RunDeleted: the run was deleted meanwhile.
    """
    if upload.committed_at is not None:
        return Artifact.objects.select_related("blob").get(run_id=upload.run_id, path=upload.path)
    store = get_store()
    received = store.staged_size(upload.staging_key)
    if received != upload.size:
        raise UploadIncomplete(size=upload.size, received=received)
    found = upload.streamed_sha256 or _hash(store.read_staged(upload.staging_key))
    if found != upload.sha256:
        store.discard(upload.staging_key)
        Upload.objects.filter(pk=upload.pk).update(streamed_sha256="")
        raise ChecksumMismatch(announced=upload.sha256, found=found)
    return _publish(upload)


@transaction.atomic
def _publish(upload: Upload) -> Artifact:
    """Bytes first, rows after: a crash in between leaves an object that nothing names, never a name without an object."""
    run = seals.lock_for_writing(upload.run)
    store = get_store()
    same = Blob.objects.select_for_update().filter(project_id=run.project_id, sha256=upload.sha256)
    blob = same.first()
    if blob is not None and not blob.is_usable:
        store.delete(run.project.uuid, upload.sha256)  # what lies there is not what it is named; these bytes are
    store.publish(upload.staging_key, run.project.uuid, upload.sha256)
    if blob is None:
        Blob.objects.get_or_create(project_id=run.project_id, sha256=upload.sha256, defaults={"size": upload.size})
        blob = same.get()  # a sweep may have adopted the object in this moment
    if not blob.is_usable or blob.condemned_at is not None:
        blob.state, blob.marked_at, blob.condemned_at = Blob.State.UNVERIFIED, None, None
        blob.save(update_fields=["state", "marked_at", "condemned_at"])
    Upload.objects.filter(pk=upload.pk).update(committed_at=clock.now())
    artifact = _record(run, ArtifactPath(upload.path), blob)
    if blob.state == Blob.State.UNVERIFIED:
        jobs.enqueue("tracking.verify_blob", _dedupe=f"verify:{blob.pk}", blob_id=blob.pk)
    seals.note_late_write(run)
    return artifact


def _record(run: Run, path: ArtifactPath, blob: Blob) -> Artifact:
    """The run's file at `path`; logged again it points at the new bytes, and the old ones stay where they are."""
    artifact, created = Artifact.objects.get_or_create(run=run, path=path, defaults={"blob": blob})
    if not created and artifact.blob_id != blob.pk:
        artifact.blob = blob
        artifact.save(update_fields=["blob"])
    if blob.marked_at is not None:
        Blob.objects.filter(pk=blob.pk).update(marked_at=None)
    return artifact


def _hash(chunks: Iterable[bytes]) -> str:
    hasher = new_sha256()
    for chunk in chunks:
        hasher.update(chunk)
    return hasher.hexdigest()
