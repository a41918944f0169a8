"""The same bucket, where clients reach it: links that this server signs for them, one request and one key each."""

import base64
from functools import cached_property
from typing import Any
from uuid import UUID

from core import s3
from core.storage.base import Link
from core.storage.s3 import S3Store
from core.storage.s3_bucket import READ_LIMIT_S


class S3DirectStore(S3Store):
    """Bytes go between clients and the bucket. A link to write names a staging key, and the exact size that may be sent to it."""

    def __init__(self, url: str, *, encryption: str = "", public_url: str = "", link_life_s: int = 900) -> None:
        super().__init__(url, encryption=encryption)
        self.link_life_s = link_life_s
        self._public_url = public_url

    def put_link(self, staging_key: str, size: int, sha256: str) -> Link:
        """The digest is signed into it: a store that checks it refuses other bytes at once."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        params = {"Key": self._staged(staging_key), "ContentLength": size, "ChecksumSHA256": checksum}
        headers = {"x-amz-checksum-sha256": checksum, **self._bucket.encryption_headers}
        return Link(self._signed("put_object", **params, **self._bucket.encrypted), headers)

    def part_link(self, staging_key: str, upload_id: str, number: int, size: int) -> Link:
        params = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        return Link(self._signed("upload_part", Key=self._staged(staging_key), **params), {})

    def get_link(self, project: UUID, sha256: str, disposition: str) -> str:
        return self._signed(
            "get_object",
            Key=self._object(project, sha256),
            ResponseContentDisposition=disposition,
            ResponseContentType="application/octet-stream",
            ResponseCacheControl="private, no-cache",
        )

    def _signed(self, operation: str, **params: Any) -> str:
        """No request is made for it."""
        with self._bucket.asked():
            return str(
                self._signer.generate_presigned_url(
                    operation, Params={"Bucket": self._bucket.name, **params}, ExpiresIn=self.link_life_s
                )
            )

    @cached_property
    def _signer(self) -> Any:
        if not self._public_url:
            return self._bucket.client
        return s3.new_client(read_limit_s=READ_LIMIT_S, endpoint=self._public_url)
