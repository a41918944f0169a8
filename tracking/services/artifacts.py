"""Files of a run: announced by clients, and recorded once their bytes are in the store."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from core.errors import Invalid
from core.storage import OF_NOTHING, get_direct_store, get_store
from tracking.artifacts.paths import ArtifactPath, parse_path
from tracking.limits import ARTIFACT_BYTES
from tracking.models import Artifact, Blob, Run, Upload
from tracking.services import claims, seals

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
    if (size == 0) != (sha256 == OF_NOTHING):
        raise Invalid(f"{OF_NOTHING} is the SHA-256 of no bytes, and of nothing else.", field=f"{field}.sha256")
    return Announced(canonical, size, sha256)


def announce_files(*, run: Run, files: Sequence[Announced]) -> list[Wanted]:
    """For each file: recorded at once where this project holds its bytes, else an upload to send them to.

    The same announcement again finds the same upload, so that it goes on where it stopped. The store is asked outside of
    the transaction. Raises RunDeleted, StoreAway.
    """
    here = _digests_here(run, files)
    answers, resumed = _recorded_or_wanted(run, files, here)
    if get_direct_store() is not None:
        return answers  # clients ask which parts have arrived when they go on
    store = get_store()
    return [
        replace(each, offset=store.staged_size(each.upload.staging_key))
        if each.upload and each.upload.pk in resumed
        else each
        for each in answers
    ]


def _digests_here(run: Run, files: Iterable[Announced]) -> set[str]:
    """Digests of which the project has bytes that may be handed out, and the store has them still."""
    digests = {file.sha256 for file in files}
    blobs = Blob.objects.filter(project_id=run.project_id, sha256__in=digests)
    return get_store().existing(run.project.uuid, {blob.sha256 for blob in blobs if blob.is_usable})


@transaction.atomic
def _recorded_or_wanted(run: Run, files: Sequence[Announced], here: set[str]) -> tuple[list[Wanted], set[int]]:
    """The answers, and the primary keys of those uploads that had begun before."""
    run = seals.lock_for_writing(run)
    blobs = claims.hold(run.project_id, here)
    have = {
        file: blob for file in files if (blob := blobs.get(file.sha256)) and blob.is_usable and blob.size == file.size
    }
    record_files(run, {file.path: blob for file, blob in have.items()})
    uploads, resumed = _uploads_for(run, [file for file in files if file not in have])
    seals.note_late_write(run)
    return [Wanted(file.path, None if file in have else uploads[file]) for file in files], resumed


def _uploads_for(run: Run, files: Sequence[Announced]) -> tuple[dict[Announced, Upload], set[int]]:
    begun = Upload.objects.filter(run=run, committed_at=None, sha256__in={file.sha256 for file in files})
    uploads = {Announced(ArtifactPath(each.path), each.size, each.sha256): each for each in begun.order_by("-id")}
    resumed = {upload.pk for upload in uploads.values()}
    store = get_store()
    new = {
        file: Upload(run=run, path=file.path, size=file.size, sha256=file.sha256, staging_key=store.new_staging_key())
        for file in files
        if file not in uploads
    }
    Upload.objects.bulk_create(new.values())
    return uploads | new, resumed


def record_files(run: Run, blobs: Mapping[str, Blob]) -> dict[str, Artifact]:
    """The run's files at these paths; one logged again points at the new bytes, and the old ones stay where they are. Five
    statements at most, however many. The caller holds the run's lock.
    """
    files = {artifact.path: artifact for artifact in Artifact.objects.filter(run=run, path__in=blobs)}
    moved = [artifact for path, artifact in files.items() if artifact.blob_id != blobs[path].pk]
    for artifact in moved:
        artifact.blob = blobs[artifact.path]
    Artifact.objects.bulk_update(moved, ["blob"])
    new = [Artifact(run=run, path=path, blob=blob) for path, blob in blobs.items() if path not in files]
    files |= {artifact.path: artifact for artifact in Artifact.objects.bulk_create(new)}
    claims.unmark(blobs.values())
    return files
