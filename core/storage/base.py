"""What a store of objects has to do, and the errors it raises."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.errors import Conflict, NotFound


class ObjectMissing(NotFound):
    """No object has this digest in this project."""

    code = "object-missing"
    title = "Object missing"


class StagingHole(Conflict):
    """A part begins beyond the bytes received so far. `extra["offset"]` tells where to go on."""

    code = "upload-offset"
    title = "Upload continues elsewhere"


class StagingBusy(Conflict):
    """Another request is writing the same upload."""

    code = "upload-busy"
    title = "Upload busy"


@dataclass(frozen=True)
class StoredObject:
    """A published object as the store lists it."""

    project: UUID
    sha256: str
    size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Staging keys are random and the store's own; published objects are (project, sha256), and never change."""

    def new_staging_key(self) -> str: ...

    def write_part(self, staging_key: str, offset: int, chunks: Iterable[bytes], *, max_bytes: int) -> int:
        """Write `chunks` from `offset` on, cutting what stood there before; the size reached.

        Raises:
            StagingHole: `offset` is past the end.
            StagingBusy: another writer has it.
            TooLarge: the upload would exceed `max_bytes` in all; what fitted is kept.
        """

    def staged_size(self, staging_key: str) -> int:
        """Bytes received so far; 0 if none."""

    def read_staged(self, staging_key: str) -> Iterator[bytes]: ...

    def publish(self, staging_key: str, project: UUID, sha256: str) -> None:
        """Make the staged bytes the object (project, sha256), atomically and durably. One already there is kept."""

    def discard(self, staging_key: str) -> None: ...

    def list_stale_staging(self, older_than: datetime) -> Iterator[str]: ...

    def exists(self, project: UUID, sha256: str) -> bool: ...

    def size(self, project: UUID, sha256: str) -> int:
        """Raises ObjectMissing."""

    def open(self, project: UUID, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) in chunks. Raises ObjectMissing before the first chunk."""

    def list_objects(self, project: UUID, after: str = "") -> Iterator[StoredObject]:
        """Published objects whose digest comes after `after`, by digest; what is no object of ours is passed over."""

    def delete(self, project: UUID, sha256: str) -> None: ...
