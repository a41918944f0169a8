"""What a store of objects has to do, and the errors it raises."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256 as new_sha256
from typing import Protocol
from uuid import UUID

from core.errors import Conflict, NotFound, Unavailable

OF_NOTHING = new_sha256(b"").hexdigest()
"""The digest of the one object that may be published without a part having been staged."""


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


class NothingStaged(Conflict):
    """What was sent is no longer there to be published: another commit took it, or it was cleared away."""

    code = "upload-gone"
    title = "Nothing to publish"

    def __init__(self) -> None:
        super().__init__("What was sent is not here any more; send it again.")


class StoreAway(Unavailable):
    """The store does not answer, or says that it cannot now. What it holds is not touched by that."""

    code = "storage-unavailable"
    title = "Storage not available"
    wait_s = 10

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after_s=self.wait_s)


class StoreRefused(StoreAway):
    """The store answers, and refuses this server: no such bucket, wrong credentials, missing rights. An operator has to act."""

    code = "storage-refused"
    title = "Storage refuses"
    wait_s = 60


@dataclass(frozen=True)
class StoredObject:
    """A published object as the store lists it."""

    project: UUID
    sha256: str
    size: int
    modified_at: datetime


@dataclass(frozen=True)
class Link:
    """A request of one kind for one key, which its holder may send to the store until it expires. `headers` go with it as they are."""

    url: str
    headers: Mapping[str, str]


class ObjectStore(Protocol):
    """Staging keys are random and the store's own; published objects are (project, sha256), and never change.

    Every method may raise StoreAway, where the store is another machine.
    """

    is_near: bool
    """Whether reading costs no more than reading a file, so that a commit can hash what arrived."""

    def check(self) -> None:
        """Try what this server needs of the store, at its start. Raises StoreRefused, StoreAway, OSError."""

    def new_staging_key(self) -> str: ...

    def write_part(self, staging_key: str, offset: int, chunks: Iterable[bytes], *, max_bytes: int) -> int:
        """Write `chunks` from `offset` on, cutting what stood there before; the size reached.

        A store may keep whole parts alone, so that less has arrived than was written when `chunks` break off.

        Raises:
            StagingHole: `offset` is past the end, or where this store cannot go on.
            StagingBusy: another writer has it.
            TooLarge: the upload would exceed `max_bytes` in all; what fitted is kept.
        """

    def staged_size(self, staging_key: str) -> int:
        """Bytes received so far; 0 if none."""

    def read_staged(self, staging_key: str) -> Iterator[bytes]: ...

    def publish(self, staging_key: str, project: UUID, sha256: str) -> bool:
        """Make the staged bytes the object (project, sha256), atomically and durably. Whether they were written: False where
        something lay there, which is kept, and which nobody has looked at here.

        What was staged may be left behind for `discard`.

        Raises:
            NothingStaged: there are no such bytes. The object of no bytes alone needs none.
        """

    def settle(self, project: UUID, sha256: str) -> None:
        """Finish what `DirectStore.promise` began, if anything. It takes as long as a copy, and may be repeated."""

    def put_all(self, project: UUID, contents: Mapping[str, bytes]) -> set[str]:
        """Publish small objects, by digest, without staging; which of them were written, as `publish` tells it. The caller has
        hashed the bytes.
        """

    def discard(self, staging_key: str) -> None:
        """Forget what was staged, whole or in parts."""

    def list_stale_staging(self, older_than: datetime) -> Iterator[str]: ...

    def exists(self, project: UUID, sha256: str) -> bool: ...

    def existing(self, project: UUID, digests: Collection[str]) -> set[str]:
        """Those of `digests` that are published."""

    def size(self, project: UUID, sha256: str) -> int:
        """Raises ObjectMissing."""

    def open(self, project: UUID, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) in chunks. Raises ObjectMissing before the first chunk."""

    def read_all(self, project: UUID, digests: Collection[str]) -> dict[str, bytes]:
        """The whole bytes of small objects, by digest. Raises ObjectMissing."""

    def list_objects(self, project: UUID, after: str = "") -> Iterator[StoredObject]:
        """Published objects whose digest comes after `after`, by digest; what is no object of ours is passed over."""

    def delete(self, project: UUID, sha256: str) -> None: ...


class DirectStore(ObjectStore, Protocol):
    """A store that clients reach by themselves, with links that this server signs. A link to write never names a published object."""

    link_life_s: int

    def part_sizes(self, size: int) -> "PartSizes":
        """How a file of `size` bytes is cut."""

    def put_link(self, staging_key: str, size: int, sha256: str) -> Link:
        """To send a whole file. A store that knows how refuses other bytes."""

    def start_parts(self, staging_key: str) -> str:
        """Begin an upload in parts; its id."""

    def part_link(self, staging_key: str, upload_id: str, number: int, size: int) -> Link: ...

    def arrived_parts(self, staging_key: str, upload_id: str) -> dict[int, int] | None:
        """Sizes by number, from 1 on; None if there is no such upload in parts: it was joined, or dropped by someone."""

    def join_parts(self, staging_key: str, upload_id: str, numbers: int) -> int | None:
        """Make one staged object of the parts 1 to `numbers`; its size. None where nothing was done: a part is missing, or the
        upload is gone.
        """

    def drop_parts(self, staging_key: str, upload_id: str) -> None: ...

    def promise(self, staging_key: str, project: UUID, sha256: str) -> bool:
        """Publish what was joined of parts without copying it: it is the object (project, sha256) from now on, for all that read
        through this server. Whether it is: then it may not be discarded, but `settle` has to be called. False where something lay
        there, which is kept, or where another upload was promised: then these bytes are copied at once, as by `publish`.

        Raises:
            NothingStaged: likewise.
        """

    def is_promised(self, project: UUID, sha256: str) -> bool:
        """Whether it may lie where it was staged still, so that no link should name it."""

    def get_link(self, project: UUID, sha256: str, disposition: str) -> str:
        """Where to read the object, as an attachment of no type. It has no range: `Range` is the reader's to ask."""


@dataclass(frozen=True)
class PartSizes:
    """How a file is cut: all parts have `part` bytes, except the last. A file of one part is sent whole."""

    size: int
    part: int

    @property
    def count(self) -> int:
        return max(1, -(-self.size // self.part))

    def of(self, number: int) -> int:
        """Bytes of part `number`, from 1 on."""
        return self.part if number < self.count else self.size - self.part * (self.count - 1)
