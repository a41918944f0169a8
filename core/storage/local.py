"""The store in a local folder: `staging/<random>` and `<project>/<aa>/<sha256>`."""

import fcntl
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self
from uuid import UUID

from core.errors import TooLarge
from core.folders import fsync_folder, make_private
from core.storage.base import OF_NOTHING, NothingStaged, ObjectMissing, StagingBusy, StagingHole, StoredObject

CHUNK = 1 << 20  # bytes a read; big enough for speed, small enough for many at once
FLUSHED = 16 << 20  # bytes of a stretch
WRITERS = 8  # side by side, for many small objects
_STAGING_KEY = re.compile(r"[0-9a-f]{48}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LocalStore:
    """Objects as files. Publishing is a rename within one file system, after an fsync."""

    is_near = True

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.staging = self.root / "staging"
        make_private(self.staging)

    def check(self) -> None:
        """Its folders were made with it."""

    def new_staging_key(self) -> str:
        return secrets.token_hex(24)

    def write_part(self, staging_key: str, offset: int, chunks: Iterable[bytes], *, max_bytes: int) -> int:
        handle = os.open(self._staged(staging_key), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise StagingBusy("Another request is writing this upload.") from exc
            size = file.seek(0, os.SEEK_END)
            if not 0 <= offset <= size:
                raise StagingHole(f"{size} bytes have arrived; go on from there, not from {offset}.", offset=size)
            file.truncate(file.seek(offset))
            with _Flushing(file) as flushing:
                for chunk in chunks:
                    if offset + len(chunk) > max_bytes:
                        raise TooLarge(f"This upload was announced with {max_bytes} bytes, and more arrived.")
                    offset += file.write(chunk)
                    flushing.note(len(chunk))
            return offset

    def staged_size(self, staging_key: str) -> int:
        try:
            return self._staged(staging_key).stat().st_size
        except FileNotFoundError:
            return 0

    def read_staged(self, staging_key: str) -> Iterator[bytes]:
        path = self._staged(staging_key)
        return _chunks(path, 0, self.staged_size(staging_key)) if path.exists() else iter(())

    def publish(self, staging_key: str, project: UUID, sha256: str) -> bool:
        source, target = self._staged(staging_key), self._object(project, sha256)
        make_private(target.parent)
        if sha256 == OF_NOTHING:
            source.touch(mode=0o600)  # it never had a part
        if not source.exists():
            if target.exists():
                return False
            raise NothingStaged
        with source.open("rb") as file:
            os.fsync(file.fileno())
        try:
            os.link(source, target)  # unlike a rename, this never replaces
        except FileExistsError:
            written = False
        else:
            written = True
            target.chmod(0o400)
            fsync_folder(target.parent)
        source.unlink()
        return written

    def settle(self, project: UUID, sha256: str) -> None:
        """A folder publishes without a copy."""

    def put_all(self, project: UUID, contents: Mapping[str, bytes]) -> set[str]:
        """Flushed side by side, since a disk takes many flushes in the time of one; each folder once, after its files."""
        with ThreadPoolExecutor(WRITERS) as pool:
            outcomes = pool.map(lambda sha256: self._put(project, sha256, contents[sha256]), contents)
            written = {sha256 for sha256, is_written in zip(contents, outcomes, strict=True) if is_written}
            list(pool.map(fsync_folder, {self._object(project, sha256).parent for sha256 in contents}))
        return written

    def _put(self, project: UUID, sha256: str, data: bytes) -> bool:
        """The file is on the disk, its name may not be yet."""
        source, target = self._staged(self.new_staging_key()), self._object(project, sha256)
        if target.exists():
            return False
        make_private(target.parent)
        handle = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        try:
            with os.fdopen(handle, "wb", buffering=0) as file:
                _write_all(file, data)
                os.fsync(file.fileno())
            os.link(source, target)
        except FileExistsError:
            return False
        finally:
            source.unlink()
        return True

    def discard(self, staging_key: str) -> None:
        self._staged(staging_key).unlink(missing_ok=True)

    def list_stale_staging(self, older_than: datetime) -> Iterator[str]:
        for path in self.staging.iterdir():
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < older_than:
                yield path.name

    def exists(self, project: UUID, sha256: str) -> bool:
        return self._object(project, sha256).exists()

    def existing(self, project: UUID, digests: Collection[str]) -> set[str]:
        return {sha256 for sha256 in digests if self.exists(project, sha256)}

    def size(self, project: UUID, sha256: str) -> int:
        try:
            return self._object(project, sha256).stat().st_size
        except FileNotFoundError as exc:
            raise _missing(sha256) from exc

    def open(self, project: UUID, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        size = self.size(project, sha256)
        return _chunks(self._object(project, sha256), start, size if end is None else min(end, size))

    def read_all(self, project: UUID, digests: Collection[str]) -> dict[str, bytes]:
        return {sha256: self._read(project, sha256) for sha256 in digests}

    def _read(self, project: UUID, sha256: str) -> bytes:
        try:
            return self._object(project, sha256).read_bytes()
        except FileNotFoundError as exc:
            raise _missing(sha256) from exc

    def list_objects(self, project: UUID, after: str = "") -> Iterator[StoredObject]:
        folder = self.root / project.hex
        for shelf in sorted(folder.iterdir()) if folder.is_dir() else ():
            if shelf.name < after[:2]:
                continue
            for path in sorted(shelf.iterdir()):
                if path.name <= after or not _SHA256.fullmatch(path.name):
                    continue
                try:
                    found = path.stat()
                except FileNotFoundError:  # deleted while we read
                    continue
                yield StoredObject(project, path.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, project: UUID, sha256: str) -> None:
        self._object(project, sha256).unlink(missing_ok=True)

    def _staged(self, staging_key: str) -> Path:
        if not _STAGING_KEY.fullmatch(staging_key):
            raise ValueError("not a staging key of this store")
        return self.staging / staging_key

    def _object(self, project: UUID, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hex")
        return self.root / project.hex / sha256[:2] / sha256


class _Flushing:
    """Puts a file onto the disk stretch by stretch while more of it comes, so that little is left to wait for at its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0
        self._beside: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def note(self, size: int) -> None:
        """Raises OSError, if an earlier stretch could not be written: whoever flushes later is not told of it again."""
        self._written += size
        if self._written < FLUSHED or (self._under_way and not self._under_way.done()):
            return
        self._settle()
        self._written = 0
        self._beside = self._beside or ThreadPoolExecutor(1)
        self._file.flush()
        self._under_way = self._beside.submit(os.fsync, self._file.fileno())

    def _settle(self) -> None:
        if self._under_way is not None:
            self._under_way.result()

    def __exit__(self, *_: object) -> None:
        if self._beside is not None:
            self._beside.shutdown()
            self._settle()


def _write_all(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise ObjectMissing("The stored object is shorter than it was when it was published.")
            left -= len(chunk)
            yield chunk


def _missing(sha256: str) -> ObjectMissing:
    return ObjectMissing(f"No stored object has the digest sha256:{sha256}.")
