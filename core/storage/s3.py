"""The store in an S3-compatible bucket: `<prefix>/staging/<random>` and `<prefix>/<project>/<aa>/<sha256>`.

What clients send is staged, then copied to its final key inside the store, never over another object. A versioned bucket is
read as one without versions: old versions and delete markers are for its lifecycle rules (docs/storage.md).
"""

import base64
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from core import s3
from core.errors import Conflict
from core.storage.base import OF_NOTHING, NothingStaged, ObjectMissing, PartSizes, StagingHole, StoreAway, StoredObject
from core.storage.parts import cut, part_sizes_of
from core.storage.s3_bucket import Bucket, is_unsupported, within
from core.storage.s3_notes import SUFFIX, Notes

CHUNK = 1 << 20  # bytes a read
READ_ATTEMPTS = 3  # of a stream that breaks off, without a byte in between
THREADS = 8  # side by side, for many small objects
READERS = 16  # as above; reading takes less of a store than writing
LARGEST_COPY = 5 << 30  # bytes that one CopyObject may have; above it, parts are copied
COPIED_PART = 1 << 30
_STAGING_KEY = re.compile(r"[0-9a-f]{48}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class S3Store:
    """Objects in a bucket that only this server reaches: bytes of clients go through it."""

    is_near = False

    def __init__(self, url: str, *, encryption: str = "") -> None:
        self._bucket = Bucket(url, encryption=encryption)
        self._notes = Notes(self._bucket)
        self._copies_conditionally = True

    def check(self) -> None:
        """Write, read and delete a small staging object, and list what is staged. Raises StoreRefused, StoreAway."""
        key = self._staged(self.new_staging_key())
        with self._bucket.asked():
            self._put(key, b"lineal")
            self._client.get_object(Bucket=self._bucket.name, Key=key)["Body"].read()
            self._client.delete_object(Bucket=self._bucket.name, Key=key)
            self._client.list_objects_v2(Bucket=self._bucket.name, Prefix=self._staged(""), MaxKeys=1)

    # -- staging ------------------------------------------------------------------------------------------------------

    def new_staging_key(self) -> str:
        return secrets.token_hex(24)

    def part_sizes(self, size: int) -> PartSizes:
        return part_sizes_of(size)

    def write_part(self, staging_key: str, offset: int, chunks: Iterable[bytes], *, max_bytes: int) -> int:
        """As ObjectStore says; whole parts are kept, and no lock is held: what two writers mix, verification finds."""
        sizes, key = self.part_sizes(max_bytes), self._staged(staging_key)
        if offset:
            self._refuse_hole(staging_key, offset, sizes)
        else:
            self.discard(staging_key)
        upload_id = self._upload_of(key) if sizes.count > 1 else ""
        with closing(cut(chunks, sizes.part, at_most=max_bytes - offset)) as pieces:
            for piece in pieces:
                reached = offset + piece.size
                if piece.size < sizes.part and reached < max_bytes:
                    break  # what is no whole part cannot be kept
                if sizes.count == 1:
                    with self._bucket.asked():
                        self._put(key, piece.body, ContentMD5=piece.md5)
                else:
                    upload_id = upload_id or self.start_parts(staging_key)
                    self._send_part(key, upload_id, offset // sizes.part + 1, piece.body, piece.md5)
                offset = reached
        if upload_id and offset == max_bytes:
            self.join_parts(staging_key, upload_id, sizes.count)
        return offset

    def _refuse_hole(self, staging_key: str, offset: int, sizes: PartSizes) -> None:
        have = self.staged_size(staging_key)
        if offset != have or (offset % sizes.part and offset != sizes.size):
            raise StagingHole(f"{have} bytes have arrived; go on from there, not from {offset}.", offset=have)

    def start_parts(self, staging_key: str) -> str:
        with self._bucket.asked():
            found = self._client.create_multipart_upload(
                Bucket=self._bucket.name, Key=self._staged(staging_key), **self._bucket.encrypted
            )
        return str(found["UploadId"])

    def _send_part(self, key: str, upload_id: str, number: int, body: Any, md5: str) -> None:
        with self._bucket.asked():
            self._client.upload_part(
                Bucket=self._bucket.name, Key=key, UploadId=upload_id, PartNumber=number, Body=body, ContentMD5=md5
            )

    def arrived_parts(self, staging_key: str, upload_id: str) -> dict[int, int] | None:
        found = self._listed_parts(self._staged(staging_key), upload_id)
        return None if found is None else {part["PartNumber"]: part["Size"] for part in found}

    def _listed_parts(self, key: str, upload_id: str) -> list[dict[str, Any]] | None:
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket.name, Key=key, UploadId=upload_id)
        with self._bucket.asked():
            return within(lambda: [part for page in pages for part in page.get("Parts", [])])

    def join_parts(self, staging_key: str, upload_id: str, numbers: int) -> int | None:
        key = self._staged(staging_key)
        found = {part["PartNumber"]: part for part in self._listed_parts(key, upload_id) or []}
        parts = [found[number] for number in range(1, numbers + 1) if number in found]
        if len(parts) < numbers:
            return None
        named = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        with self._bucket.asked():
            joined = within(
                lambda: self._bucket.patient.complete_multipart_upload(
                    Bucket=self._bucket.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named}
                )
            )
        return None if joined is None else sum(part["Size"] for part in parts)

    def drop_parts(self, staging_key: str, upload_id: str) -> None:
        key = self._staged(staging_key)
        with self._bucket.asked():
            within(lambda: self._client.abort_multipart_upload(Bucket=self._bucket.name, Key=key, UploadId=upload_id))

    def staged_size(self, staging_key: str) -> int:
        """Of the whole object, or of the parts that follow each other from the first on."""
        key = self._staged(staging_key)
        head = self._bucket.head(key)
        if head is not None:
            return int(head["ContentLength"])
        upload_id = self._upload_of(key)
        arrived = self.arrived_parts(staging_key, upload_id) or {} if upload_id else {}
        size, number = 0, 1
        while number in arrived:
            size, number = size + arrived[number], number + 1
        return size

    def read_staged(self, staging_key: str) -> Iterator[bytes]:
        key = self._staged(staging_key)
        return self._read(key, 0, None, missing="") if self._bucket.head(key) else iter(())

    def discard(self, staging_key: str) -> None:
        key = self._staged(staging_key)
        for upload_id in self._uploads_of(key):
            self.drop_parts(staging_key, upload_id)
        with self._bucket.asked():
            self._client.delete_object(Bucket=self._bucket.name, Key=key)

    def list_stale_staging(self, older_than: datetime) -> Iterator[str]:
        folder = self._staged("")
        for page in self._bucket.pages("list_objects_v2", Prefix=folder):
            for found in page.get("Contents", []):
                if found["LastModified"] < older_than:
                    yield from _our_key(found["Key"].removeprefix(folder))
        for upload in self._uploads_below(folder):
            if upload["Initiated"] < older_than:
                yield from _our_key(upload["Key"].removeprefix(folder))

    def _upload_of(self, key: str) -> str:
        return next(self._uploads_of(key), "")

    def _uploads_of(self, key: str) -> Iterator[str]:
        yield from (upload["UploadId"] for upload in self._uploads_below(key) if upload["Key"] == key)

    def _uploads_below(self, prefix: str) -> list[dict[str, Any]]:
        """Uploads in parts that are under way. Some servers answer that there is no such upload where there is none."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket.name, Prefix=prefix)
        with self._bucket.asked():
            return within(lambda: [upload for page in pages for upload in page.get("Uploads", [])]) or []

    # -- publishing ---------------------------------------------------------------------------------------------------

    def publish(self, staging_key: str, project: UUID, sha256: str) -> bool:
        source, target = self._staged(staging_key), self._object(project, sha256)
        if self._bucket.head(target) is not None:
            return False
        if sha256 == OF_NOTHING:  # it never had a part
            with self._bucket.asked():
                self._put(target, b"")
            return True
        return self._publish_copy(source, target)

    def _publish_copy(self, source: str, target: str) -> bool:
        head = self._bucket.head(source)
        if head is None:
            raise NothingStaged
        try:
            self._copy(source, target, head["ETag"], head["ContentLength"])
        except s3.errors() as exc:
            if not s3.is_precondition(exc):
                with self._bucket.asked():
                    raise
            if self._bucket.head(target) is None:  # else another was first, with the same digest
                raise Conflict("What was sent changed while it was published; send it again.") from exc
            return False
        return True

    def _copy(self, source: str, target: str, etag: str, size: int) -> None:
        if size > LARGEST_COPY:
            self._copy_in_parts(source, target, etag, size)
            return
        copy = {"Bucket": self._bucket.name, "Key": target, "CopySource": self._source(source)}
        options = {**copy, "CopySourceIfMatch": etag, **self._bucket.encrypted}
        if self._copies_conditionally:
            try:
                self._bucket.patient.copy_object(**options, IfNoneMatch="*")
            except s3.errors() as exc:
                if not is_unsupported(exc):
                    raise
                self._copies_conditionally = False
            else:
                return
        self._bucket.patient.copy_object(**options)

    def _copy_in_parts(self, source: str, target: str, etag: str, size: int) -> None:
        client, where = self._bucket.patient, {"Bucket": self._bucket.name, "Key": target}
        upload_id = client.create_multipart_upload(**where, **self._bucket.encrypted)["UploadId"]

        def copy(number: int) -> dict[str, Any]:
            first = (number - 1) * COPIED_PART
            found = client.upload_part_copy(
                **where,
                UploadId=upload_id,
                PartNumber=number,
                CopySource=self._source(source),
                CopySourceIfMatch=etag,
                CopySourceRange=f"bytes={first}-{min(first + COPIED_PART, size) - 1}",
            )
            return {"PartNumber": number, "ETag": found["CopyPartResult"]["ETag"]}

        try:
            with ThreadPoolExecutor(THREADS) as pool:
                parts = list(pool.map(copy, range(1, -(-size // COPIED_PART) + 1)))
            client.complete_multipart_upload(
                **where, UploadId=upload_id, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except BaseException:
            client.abort_multipart_upload(**where, UploadId=upload_id)
            raise

    def promise(self, staging_key: str, project: UUID, sha256: str) -> bool:
        """Publish by a note. Only for what was joined of parts: whoever holds a link to write a whole file could still change it."""
        target = self._object(project, sha256)
        if self._bucket.head(target) is not None:
            return False
        if self._notes.write(target, staging_key) == staging_key:
            return True
        self._publish_copy(self._staged(staging_key), target)  # another upload may be given up, and its bytes with it
        return False

    def settle(self, project: UUID, sha256: str) -> None:
        target = self._object(project, sha256)
        staging_key = self._notes.read(target)
        if not staging_key:
            return
        if self._bucket.head(target) is None:
            with suppress(NothingStaged):  # lost: there is no object then, and no note of one should stay
                self._publish_copy(self._staged(staging_key), target)
        if self._notes.read(target) == staging_key:  # else it was deleted and promised anew meanwhile
            self._notes.drop(target)
        self.discard(staging_key)

    def is_promised(self, project: UUID, sha256: str) -> bool:
        return bool(self._notes.read(self._object(project, sha256)))

    def put_all(self, project: UUID, contents: Mapping[str, bytes]) -> set[str]:
        """Sent side by side. A server without `If-None-Match` may write the same bytes over themselves."""

        def put(sha256: str) -> bool:
            key, checksum = self._object(project, sha256), base64.b64encode(bytes.fromhex(sha256)).decode()
            headers = {"x-amz-checksum-sha256": checksum, "If-None-Match": "*", **self._bucket.encryption_headers}
            try:
                written = self._bucket.small.put(key, contents[sha256], headers)
                if written is not None:
                    return written
                self._put(key, contents[sha256], ChecksumSHA256=checksum, IfNoneMatch="*")
            except s3.errors() as exc:
                if not s3.is_precondition(exc):
                    raise
                return False
            return True

        with self._bucket.asked(), ThreadPoolExecutor(THREADS) as pool:
            written = zip(contents, pool.map(put, contents), strict=True)
            return {sha256 for sha256, is_written in written if is_written}

    # -- objects ------------------------------------------------------------------------------------------------------

    def exists(self, project: UUID, sha256: str) -> bool:
        return self._head(project, sha256) is not None

    def _head(self, project: UUID, sha256: str) -> dict[str, Any] | None:
        """Of the object where it lies: settled, or staged still; settled, if that has happened in between."""
        target = self._object(project, sha256)
        if (found := self._bucket.head(target)) is not None:
            return found
        staging_key = self._notes.read(target)
        if not staging_key:
            return None
        return self._bucket.head(self._staged(staging_key)) or self._bucket.head(target)

    def existing(self, project: UUID, digests: Collection[str]) -> set[str]:
        if not digests:
            return set()
        with ThreadPoolExecutor(THREADS) as pool:
            found = zip(digests, pool.map(lambda sha256: self.exists(project, sha256), digests), strict=True)
            return {sha256 for sha256, is_there in found if is_there}

    def size(self, project: UUID, sha256: str) -> int:
        head = self._head(project, sha256)
        if head is None:
            raise ObjectMissing(_missing(sha256))
        return int(head["ContentLength"])

    def open(self, project: UUID, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """A stream that breaks off is asked for again from there."""
        key, missing = self._object(project, sha256), _missing(sha256)
        if end is not None and end <= start:
            self.size(project, sha256)
            return iter(())
        try:
            return self._read(key, start, end, missing=missing)
        except ObjectMissing:
            staging_key = self._notes.read(key)
            if not staging_key:
                raise
        try:
            return self._read(self._staged(staging_key), start, end, missing=missing)
        except ObjectMissing:  # settled in this moment, if it is there at all
            return self._read(key, start, end, missing=missing)

    def read_all(self, project: UUID, digests: Collection[str]) -> dict[str, bytes]:
        def read(sha256: str) -> bytes:
            with self._bucket.asked():
                found = self._bucket.small.get(self._object(project, sha256))
            return b"".join(self.open(project, sha256)) if found is None else found

        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(digests, pool.map(read, digests), strict=True))

    def list_objects(self, project: UUID, after: str = "") -> Iterator[StoredObject]:
        folder = self._bucket.place.key(project.hex) + "/"
        options = {"StartAfter": f"{folder}{after[:2]}/{after}"} if after else {}
        last = after
        for page in self._bucket.pages("list_objects_v2", Prefix=folder, **options):
            for found in page.get("Contents", []):
                shelf, _, name = found["Key"].removeprefix(folder).partition("/")
                # of an object whose bytes are elsewhere; or a note that outlived them
                sha256 = name.removesuffix(SUFFIX)
                if sha256 == last or not (_SHA256.fullmatch(sha256) and sha256.startswith(shelf)):
                    continue
                last = sha256
                size = found["Size"] if name == sha256 else self._size_if_any(project, sha256)
                if size is not None:
                    yield StoredObject(project, sha256, size, found["LastModified"])

    def _size_if_any(self, project: UUID, sha256: str) -> int | None:
        head = self._head(project, sha256)
        return None if head is None else int(head["ContentLength"])

    def delete(self, project: UUID, sha256: str) -> None:
        key = self._object(project, sha256)
        staging_key = self._notes.read(key)
        with self._bucket.asked():
            self._client.delete_object(Bucket=self._bucket.name, Key=key)
        if staging_key:
            self._notes.drop(key)
            self.discard(staging_key)

    def _read(self, key: str, start: int, end: int | None, *, missing: str) -> Iterator[bytes]:
        return self._pieces(key, self._body(key, start, end, missing), start, end, missing)

    def _body(self, key: str, start: int, end: int | None, missing: str) -> Any:
        last = "" if end is None else str(end - 1)
        ranged = {"Range": f"bytes={start}-{last}"} if start or last else {}
        with self._bucket.asked(missing=missing):
            return self._client.get_object(Bucket=self._bucket.name, Key=key, **ranged)["Body"]

    def _pieces(self, key: str, body: Any, at: int, end: int | None, missing: str) -> Iterator[bytes]:
        failures = 0
        while True:
            try:
                with closing(body):
                    while chunk := body.read(CHUNK):
                        at, failures = at + len(chunk), 0
                        yield chunk
                    return
            except s3.errors() as exc:
                failures += 1
                if failures == READ_ATTEMPTS:
                    raise StoreAway("The object storage broke off while it was read; try again.") from exc
            body = self._body(key, at, end, missing)

    # -- keys ---------------------------------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return self._bucket.client

    def _put(self, key: str, body: Any, **options: Any) -> None:
        self._client.put_object(Bucket=self._bucket.name, Key=key, Body=body, **self._bucket.encrypted, **options)

    def _source(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": key}

    def _staged(self, staging_key: str) -> str:
        if staging_key and not _STAGING_KEY.fullmatch(staging_key):
            raise ValueError("not a staging key of this store")
        return f"{self._bucket.place.key('staging')}/{staging_key}"

    def _object(self, project: UUID, sha256: str) -> str:
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hex")
        return self._bucket.place.key(project.hex, sha256[:2], sha256)


def _our_key(name: str) -> Iterator[str]:
    if _STAGING_KEY.fullmatch(name):
        yield name


def _missing(sha256: str) -> str:
    return f"No stored object has the digest sha256:{sha256}."
