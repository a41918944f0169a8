"""Backups in an S3-compatible bucket: one object a file, which is there whole or not at all.

Endpoint, region and credentials are those that boto3 finds. Give them the right to put, get and list below the prefix, and
to delete only where `lineal backup prune` runs.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig

from config.backups.failures import BackupFailed, Damaged
from config.backups.places import CHUNK, LAST_FILE, is_backup_name
from core import s3

READ_LIMIT_S = 60
ATTEMPTS = 5  # nobody asks again for a backup at night
_PARTS = TransferConfig(multipart_threshold=16 << 20, multipart_chunksize=16 << 20, use_threads=False)
_ERRORS = (*s3.errors(), Boto3Error)

T = TypeVar("T")


class Bucket:
    """`s3://bucket/prefix`. Raises OSError for whatever the bucket refuses."""

    def __init__(self, url: str) -> None:
        self._place = s3.parse_place(url)
        if not self._place.bucket:
            raise BackupFailed(f"A bucket is named s3://bucket/prefix, not {url}.")
        self._bucket = self._place.bucket

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        body = io.BufferedReader(_Chunks(iter(chunks)), CHUNK)
        self._asked(name, lambda: self._client.upload_fileobj(body, self._bucket, self._key(name), Config=_PARTS))

    def read(self, name: str) -> Iterator[bytes]:
        found = self._found(name, lambda: self._client.get_object(Bucket=self._bucket, Key=self._key(name)))
        if found is None:
            raise Damaged(f"{self.where(name)} is missing.")
        try:
            yield from found["Body"].iter_chunks(CHUNK)
        except _ERRORS as exc:
            raise OSError(f"{self.where(name)}: {exc}") from exc

    def size(self, name: str) -> int | None:
        found = self._found(name, lambda: self._client.head_object(Bucket=self._bucket, Key=self._key(name)))
        return None if found is None else int(found["ContentLength"])

    def names(self, folder: str = "") -> Iterator[str]:
        prefix = self._prefix + (f"{folder}/" if folder else "")
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        keys = self._asked(folder, lambda: [found["Key"] for page in pages for found in page.get("Contents", [])])
        yield from (key.removeprefix(self._prefix) for key in sorted(keys))

    def backups(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        folders = self._asked("", lambda: [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])])
        found = (folder.removeprefix(self._prefix).rstrip("/") for folder in folders)
        return sorted(name for name in found if is_backup_name(name) and self.size(f"{name}/{LAST_FILE}") is not None)

    def drafts(self) -> Iterator[str]:
        """None: an upload that breaks off leaves parts, which no list shows and a lifecycle rule of the bucket aborts."""
        return iter(())

    def remove(self, name: str) -> None:
        self._asked(name, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._key(name)))

    def where(self, name: str = "") -> str:
        return f"s3://{self._bucket}/{self._key(name)}"

    def _key(self, name: str) -> str:
        return self._place.key(name) if name else self._prefix

    @property
    def _prefix(self) -> str:
        return f"{self._place.folder}/" if self._place.folder else ""

    def _asked(self, name: str, question: Callable[[], T]) -> T:
        try:
            return question()
        except _ERRORS as exc:
            raise OSError(f"{self.where(name)}: {exc}") from exc

    def _found(self, name: str, question: Callable[[], T]) -> T | None:
        """The answer; None where it is that there is no such object."""
        try:
            return question()
        except _ERRORS as exc:
            if s3.is_missing(exc):
                return None
            raise OSError(f"{self.where(name)}: {exc}") from exc

    @cached_property
    def _client(self) -> Any:
        return s3.new_client(read_limit_s=READ_LIMIT_S, attempts=ATTEMPTS)


class _Chunks(io.RawIOBase):
    """Chunks to be read like a file. What they raise, the reader raises: an upload that breaks off leaves no object."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
