"""Anchors in an S3-compatible bucket: written once, never over another, and locked against everyone where the bucket can lock."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from audit.models import AuditCheckpoint
from core import clock, s3

log = logging.getLogger(__name__)

READ_LIMIT_S = 20
MOST_NOTE_BYTES = 1_000_000  # a checkpoint has some 300; this bounds what a stranger's object can cost

T = TypeVar("T")


@lru_cache(maxsize=4)
def bucket_at(url: str, lock_days: int) -> "Bucket":
    """One for each address in a process, so that its connections are kept. `url` is `s3://bucket` or `s3://bucket/prefix`."""
    return Bucket(url, lock_days=lock_days)


class Bucket:
    """`<prefix>/checkpoints/<size>`. With Object Lock on the bucket, nobody can delete or replace a copy for `lock_days`."""

    kind = "bucket"

    def __init__(self, url: str, *, lock_days: int) -> None:
        place = s3.parse_place(url)
        self._bucket = place.bucket
        self._folder = place.key("checkpoints") + "/"
        self._lock = timedelta(days=lock_days)

    def put(self, checkpoint: AuditCheckpoint) -> str:
        """Keep the note under its size; where it lies. One that lies there already is left as it is.

        Raises:
            OSError: the bucket did not take it, or holds something else there.
        """
        key = f"{self._folder}{checkpoint.size:012d}"
        location = f"s3://{self._bucket}/{key}"
        if not self._create(key, checkpoint.note) and self.read(location) != checkpoint.note:
            raise FileExistsError(f"{location} holds something else than the checkpoint for {checkpoint.size}.")
        return location

    def read(self, location: str) -> str:
        """Raises OSError; UnicodeDecodeError for what is no text."""
        key = location.removeprefix(f"s3://{self._bucket}/")
        if not key.startswith(self._folder):
            raise OSError(f"{location} is not in the bucket s3://{self._bucket}/{self._folder} that is set now.")
        found: bytes = _asked(
            lambda: self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read(MOST_NOTE_BYTES)
        )
        return found.decode()

    def locations(self) -> Iterator[str]:
        """Raises OSError."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._folder)
        keys = _asked(lambda: [found["Key"] for page in pages for found in page.get("Contents", [])])
        yield from (f"s3://{self._bucket}/{key}" for key in sorted(keys))

    def _create(self, key: str, note: str) -> bool:
        """False if something lies there. Asked for before, too, since not every server knows `If-None-Match`."""
        if self._has(key):
            return False
        options: dict[str, Any] = {}
        if self._locks:
            options = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": clock.now() + self._lock}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=note.encode(),
                ContentType="text/plain; charset=utf-8",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
                **options,
            )
        except s3.errors() as exc:
            if s3.is_precondition(exc):
                return False
            raise OSError(str(exc)) from exc
        return True

    def _has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except s3.errors() as exc:
            if s3.is_missing(exc):
                return False
            raise OSError(str(exc)) from exc
        return True

    @cached_property
    def _locks(self) -> bool:
        try:
            found = self._client.get_object_lock_configuration(Bucket=self._bucket)
        except s3.errors() as exc:
            if s3.code_of(exc) not in (
                "ObjectLockConfigurationNotFoundError",
                "NotImplemented",
                "MethodNotAllowed",
                "501",
            ):
                raise OSError(str(exc)) from exc
            log.warning(
                "The bucket %s has no Object Lock: whoever holds its credentials can replace anchors.", self._bucket
            )
            return False
        return bool(found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    @cached_property
    def _client(self) -> Any:
        return s3.new_client(read_limit_s=READ_LIMIT_S)


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except s3.errors() as exc:
        raise OSError(str(exc)) from exc
