"""Notes of objects whose bytes still lie where they were staged: `<object's key>.staged`, which holds the staging key.

A copy of a large file takes a store as long as its upload did, and whoever uploads need not wait for it. So a file of many parts, which
nobody can write to once they are joined, is published by such a note; a worker copies it to its final key before reading it.
"""

from typing import Any

from core import s3
from core.storage.s3_bucket import Bucket

SUFFIX = ".staged"


class Notes:
    """By the keys of the objects."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def write(self, target: str, staging_key: str) -> str:
        """The staging key that holds from now on: another, where another was first; empty, where that one has just gone."""
        before = self.read(target)
        if before:
            return before
        try:
            self._put(target, staging_key)
        except s3.errors() as exc:
            if not s3.is_precondition(exc):
                with self._bucket.asked():
                    raise
            return self.read(target)
        return staging_key

    def _put(self, target: str, staging_key: str) -> None:
        self._client.put_object(
            **self._at(target), Body=staging_key.encode(), IfNoneMatch="*", **self._bucket.encrypted
        )

    def read(self, target: str) -> str:
        """Empty where there is none."""
        try:
            body: bytes = self._client.get_object(**self._at(target))["Body"].read()
        except s3.errors() as exc:
            if s3.is_missing(exc):
                return ""
            with self._bucket.asked():
                raise
        return body.decode()

    def drop(self, target: str) -> None:
        with self._bucket.asked():
            self._client.delete_object(**self._at(target))

    @property
    def _client(self) -> Any:
        return self._bucket.client

    def _at(self, target: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": target + SUFFIX}
