"""Small objects, written and read whole: signed by botocore's signer and sent by its session, without what boto3 does in between.

Of a request for ten kilobytes, boto3 spends four fifths of its processor time on finding the endpoint, checking arguments and calling
hooks. Here a request is sent once, and only its good outcome is understood: for any other answer the caller asks again with boto3,
which knows redirects, retries and errors. No answer at all is raised as boto3 raises it.
"""

import socket
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from core import s3

PRECONDITION_FAILED = 412


class SmallRequests:
    """Requests to one bucket, from any thread. `client` is boto3's, and tells the address and the region."""

    def __init__(self, client: Any, bucket: str, *, read_limit_s: float, connections: int) -> None:
        self._client = client
        self._bucket = bucket
        self._read_limit_s = read_limit_s
        self._connections = connections

    def put(self, key: str, body: bytes, headers: Mapping[str, str]) -> bool | None:
        """Whether it was written: False where a condition in `headers` did not hold, None where boto3 has to ask."""
        answer = self._sent("PUT", key, body, headers)
        if answer is None or answer.status_code not in {200, PRECONDITION_FAILED}:
            return None
        return bool(answer.status_code == 200)

    def get(self, key: str) -> bytes | None:
        """All of its bytes; None where boto3 has to ask."""
        answer = self._sent("GET", key, b"", {})
        return bytes(answer.content) if answer is not None and answer.status_code == 200 else None

    def _sent(self, method: str, key: str, body: bytes, headers: Mapping[str, str]) -> Any:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415 - loaded with boto3 only
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
        from botocore.exceptions import ConnectionClosedError  # noqa: PLC0415 - as above

        request = AWSRequest(method, self._base + quote(key, safe="/~"), headers=dict(headers), data=body)
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                return None
            S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self._client.meta.region_name).add_auth(request)
            return self._http.send(request.prepare())
        except ConnectionClosedError:  # as a server does with one that was idle
            return None

    @cached_property
    def _base(self) -> str:
        """The bucket's address, as boto3 spells it: by host or by path."""
        link: str = self._client.generate_presigned_url("get_object", Params={"Bucket": self._bucket, "Key": "x"})
        return link.partition("?")[0].removesuffix("x")

    @cached_property
    def _session(self) -> Any:
        from botocore.session import get_session  # noqa: PLC0415 - as above

        return get_session()

    @cached_property
    def _http(self) -> Any:
        from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - as above
        from botocore.utils import get_environ_proxies  # noqa: PLC0415 - as above

        return URLLib3Session(
            verify=self._session.get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(self._base),
            timeout=(s3.CONNECT_LIMIT_S, self._read_limit_s),
            max_pool_connections=self._connections,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # head and body go apart: 40 ms without it
        )
