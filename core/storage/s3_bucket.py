"""One bucket: its clients, the encryption asked of it, and its errors in this room's words."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from core import s3
from core.storage.base import ObjectMissing, StoreAway, StoreRefused
from core.storage.s3_small import SmallRequests

log = logging.getLogger(__name__)

READ_LIMIT_S = 30  # without a byte moving
COPY_LIMIT_S = 280  # a server-side copy of 5 GB answers when it is done; below what a client waits for a commit
CONNECTIONS = 32
_BUSY = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "500", "502", "503", "504", "429"}
_UNSUPPORTED = {"NotImplemented", "501"}
_ENCRYPTION_HEADERS = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}

T = TypeVar("T")


class Bucket:
    """Where a store keeps its objects. Clients are made at first use."""

    def __init__(self, url: str, *, encryption: str) -> None:
        self.place = s3.parse_place(url)
        self.encrypted = _encryption(encryption)

    @property
    def name(self) -> str:
        return self.place.bucket

    @cached_property
    def client(self) -> Any:
        return s3.new_client(read_limit_s=READ_LIMIT_S, connections=CONNECTIONS)

    @cached_property
    def patient(self) -> Any:
        """A client that waits for long copies."""
        return s3.new_client(read_limit_s=COPY_LIMIT_S)

    @cached_property
    def small(self) -> SmallRequests:
        """For small objects, which are many."""
        return SmallRequests(self.client, self.name, read_limit_s=READ_LIMIT_S, connections=CONNECTIONS)

    @property
    def encryption_headers(self) -> dict[str, str]:
        """What `encrypted` says, as a request says it."""
        return {_ENCRYPTION_HEADERS[argument]: value for argument, value in self.encrypted.items()}

    @contextmanager
    def asked(self, *, missing: str = "") -> Iterator[None]:
        """Raises StoreRefused, StoreAway; and ObjectMissing for an object that is not there, with the words of `missing`, if any."""
        try:
            yield
        except s3.errors() as exc:
            if missing and s3.is_missing(exc):
                raise ObjectMissing(missing) from exc
            raise self._translated(exc) from exc

    def _translated(self, exc: Exception) -> StoreAway:
        code = s3.code_of(exc)
        if code in _BUSY or not (code or _is_unsigned(exc)):
            log.warning("The bucket %s does not answer: %s", self.name, exc)
            return StoreAway("The object storage does not answer now; nothing was lost. Try again.")
        log.error("The bucket %s refuses this server: %s", self.name, exc)
        return StoreRefused(
            f"The object storage refuses what this server asks of it ({code or type(exc).__name__}); its operator has to see to it."
        )

    def head(self, key: str) -> dict[str, Any] | None:
        """What is known of an object; None if there is none."""
        try:
            found: dict[str, Any] = self.client.head_object(Bucket=self.name, Key=key)
        except s3.errors() as exc:
            if s3.is_missing(exc):
                return None
            raise self._translated(exc) from exc
        return found

    def pages(self, operation: str, **options: Any) -> Iterator[dict[str, Any]]:
        with self.asked():
            yield from self.client.get_paginator(operation).paginate(Bucket=self.name, **options)


def is_unsupported(exc: Exception) -> bool:
    """Whether the server answered that it does not know a header or an operation."""
    return s3.code_of(exc) in _UNSUPPORTED


def within(asked: Callable[[], T]) -> T | None:
    """The answer, or None where an upload in parts is gone: joined, dropped, or swept by a lifecycle rule."""
    try:
        return asked()
    except s3.errors() as exc:
        if s3.code_of(exc) in {"NoSuchUpload", "404"}:
            return None
        raise


def _is_unsigned(exc: Exception) -> bool:
    from botocore import exceptions  # noqa: PLC0415 - loaded with boto3 only

    kinds = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ParamValidationError)
    return isinstance(exc, (*kinds, exceptions.NoRegionError, exceptions.CredentialRetrievalError))


def _encryption(asked: str) -> dict[str, str]:
    """The arguments of a write for `AES256`, `aws:kms` or `aws:kms:KEY`; none for the bucket's own default."""
    if asked.startswith("aws:kms:"):
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": asked.removeprefix("aws:kms:")}
    return {"ServerSideEncryption": asked} if asked else {}
