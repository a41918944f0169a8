"""Small objects, written and read whole: signed by botocore's signer, and sent without what boto3 does in between.

Of a request for ten kilobytes, boto3 spends four fifths of its processor time on finding the endpoint, checking arguments and calling
hooks, and most of the rest on reading headers. Here a request is sent once, by botocore's session, or by `s3_wire` where neither TLS nor a
proxy is in the way; and only its good outcome is understood: for any other answer the caller asks again with boto3,
which knows redirects, retries and errors. No answer at all is raised as boto3 raises it.
"""

import socket
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from core import s3
from core.storage.s3_wire import Answer, KeptConnections

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
        if answer is None or answer.status not in {200, PRECONDITION_FAILED}:
            return None
        return answer.status == 200

    def get(self, key: str) -> bytes | None:
        """All of its bytes; None where boto3 has to ask."""
        answer = self._sent("GET", key, b"", {})
        return answer.body if answer is not None and answer.status == 200 else None

    def _sent(self, method: str, key: str, body: bytes, headers: Mapping[str, str]) -> Answer | None:
        from botocore.auth import S3SigV4Auth  # noqa: PLC0415 - loaded with boto3 only
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above

        request = AWSRequest(method, self._base + quote(key, safe="/~"), headers=dict(headers), data=body)
        credentials = self._session.get_credentials()
        if credentials is None:
            return None
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self._client.meta.region_name).add_auth(request)
        if self._kept is None:
            return self._sent_by_session(request)
        return self._sent_in_the_clear(self._kept, method, request, body)

    def _sent_by_session(self, request: Any) -> Answer | None:
        from botocore.exceptions import ConnectionClosedError  # noqa: PLC0415 - as above

        try:
            answer = self._http.send(request.prepare())
        except ConnectionClosedError:  # as a server does with one that was idle
            return None
        return Answer(answer.status_code, bytes(answer.content))

    def _sent_in_the_clear(self, kept: KeptConnections, method: str, request: Any, body: bytes) -> Answer | None:
        from botocore import exceptions  # noqa: PLC0415 - as above

        try:
            return kept.ask(method, request.url, request.headers, body)
        except TimeoutError as exc:
            raise exceptions.ReadTimeoutError(endpoint_url=self._base, error=exc) from exc
        except OSError as exc:
            raise exceptions.EndpointConnectionError(endpoint_url=self._base, error=exc) from exc

    @cached_property
    def _base(self) -> str:
        """The bucket's address, as boto3 spells it: by host or by path."""
        link: str = self._client.generate_presigned_url("get_object", Params={"Bucket": self._bucket, "Key": "x"})
        return link.partition("?")[0].removesuffix("x")

    @cached_property
    def _kept(self) -> KeptConnections | None:
        from botocore.utils import get_environ_proxies  # noqa: PLC0415 - as above

        if not self._base.startswith("http://") or get_environ_proxies(self._base):
            return None
        return KeptConnections(
            self._base, connect_limit_s=s3.CONNECT_LIMIT_S, read_limit_s=self._read_limit_s, most=self._connections
        )

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
