"""One pool of connections to one server. The token goes to its exact origin, after the server has shown the key it was first met with."""

import contextlib
import itertools
import json as stdlib_json
import logging
import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

import lineal
from lineal import _credentials
from lineal._credentials import Target
from lineal._errors import (
    LinealError,
    NotConfigured,
    OutcomeUnknown,
    ProblemError,
    ServerKeyChanged,
    ServerUnreachable,
    StorageUnreachable,
    problem,
)

if TYPE_CHECKING:
    import urllib3

logger = logging.getLogger("lineal")

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0  # a promotion evaluates its gates before it answers
MOST_ATTEMPTS = 5  # some five seconds: a server that is restarted is back by then
MOST_IDLE = 8  # connections to a host kept open
BLOCK_BYTES = 1 << 18  # of a body handed to the socket at a time; urllib3's 16 kB cost more calls than bytes
STORAGE_AWAY_S = 600.0  # how long bytes go through the server before the storage is tried again
OWN_WRITES_S = 10.0  # how long after a change a server with a replica is asked for what is committed by now
API = "/api/v1"
THROUGH = "Lineal-Bytes"  # `Lineal-Bytes: server` asks for bytes rather than a redirect to them


@dataclass(frozen=True)
class Response:
    """A 2xx answer, or a 304 to a question that named what is known."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            LinealError: it is not JSON, so something other than Lineal answered.
        """
        try:
            return stdlib_json.loads(self.body)
        except ValueError as exc:
            raise LinealError(f"the answer is not JSON: {self.body[:80]!r}") from exc


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = READ_TIMEOUT_S
    repeatable: bool = True


class Transport:
    """Requests to one server, from any thread, and to the storage that its links lead to. Connections open at the first request."""

    def __init__(self, target: Target, *, always_fresh: bool = False, until: float = float("inf")) -> None:
        """`always_fresh` for a process that lives shorter than what it wants to see: another one's changes, just made.

        From `until` (`time.monotonic`) on, no answer is waited for.
        """
        self.target = target
        self._until = until
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._pid = os.getpid()
        self._met = False
        self._around_until = float("-inf")
        self._told_around = False
        self._no_etags: set[str] = set()
        self._fresh_until = float("inf") if always_fresh else float("-inf")

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        body: Any = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
        repeatable: bool | None = None,
    ) -> Response:
        """Send once. `path` starts at `/api/v1` unless it is a whole URL; a URL of another origin gets no token.

        `repeatable` tells whether a lost answer may be answered by sending again; by default GET, PUT and DELETE are.

        Raises:
            ProblemError: the server answered with a problem, by status.
            ServerUnreachable: no answer, and sending again is safe.
            OutcomeUnknown: no answer, and the server may have acted.
            ServerKeyChanged: another server answers at this origin. The token was not sent.
        """
        if json is not None:
            body, content_type = (
                stdlib_json.dumps(json, allow_nan=False, separators=(",", ":")).encode(),
                "application/json",
            )
        sent = {**(headers or {}), **({"Content-Type": content_type} if content_type else {})}
        safe = method in ("GET", "HEAD", "PUT", "DELETE") if repeatable is None else repeatable
        request = _Request(method, self._url(path, params), body, sent, timeout_s, safe)
        try:
            response = self._send(request)
            data = self._read(response, request)
        finally:
            if method not in ("GET", "HEAD") and not path.endswith(("/search", "/count")):
                self._fresh_until = max(self._fresh_until, time.monotonic() + OWN_WRITES_S)
        try:
            return Response(response.status, response.headers, _checked(response, data, self.target))
        except ProblemError as exc:
            if exc.type == "/problems/outcome-unknown" and not request.repeatable:
                raise OutcomeUnknown(f"{self.target.base_url} lost its database: {exc.detail}") from exc
            raise

    @contextlib.contextmanager
    def download(
        self, path: str, *, params: Mapping[str, Any] | None = None, offset: int = 0
    ) -> Iterator[Iterator[bytes]]:
        """The body of a GET in pieces. One redirect is followed, without the token if it leads to another origin; where no connection
        leads there, the server is asked for the bytes. Raises as `request`.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        request = _Request("GET", self._url(path, params), headers=headers | self._asked_through())
        response = self._send(request)
        try:
            location = response.headers.get("Location")
            if response.status in (302, 303, 307) and location:
                response.drain_conn()
                request, response = self._followed(request, location)
                if response.status >= 400 and not self._is_ours(request.url):
                    raise _storage_trouble(response.status, self._named(request.url))
            if not 200 <= response.status < 300:
                _checked(response, self._read(response, request), self.target)
            yield self.pieces(response)
        finally:
            response.close()

    def _followed(self, request: _Request, location: str) -> "tuple[_Request, urllib3.BaseHTTPResponse]":
        further = replace(request, url=urljoin(request.url, location), headers=_without_wish(request.headers))
        try:
            return further, self._send(further)
        except StorageUnreachable as exc:
            if THROUGH in request.headers:  # a server that does not pass bytes on
                raise
            self.go_around(exc)
        again = replace(request, headers={**request.headers, **self._asked_through()})
        response = self._send(again)
        location = response.headers.get("Location", "")
        if response.status not in (302, 303, 307) or not location:
            return again, response
        response.drain_conn()
        further = replace(further, url=urljoin(request.url, location))
        return further, self._send(further)

    def find_link(self, path: str, *, params: Mapping[str, Any] | None = None) -> str | None:
        """Where a GET of content is redirected to; None if the server sends the bytes itself. Raises as `request`."""
        if self.goes_around:
            return None
        request = _Request("GET", self._url(path, params), headers={"Range": "bytes=0-0"})
        response = self._send(request)
        try:
            location = response.headers.get("Location")
            if response.status in (302, 303, 307) and location:
                return urljoin(request.url, location)
            if response.status != 416 and not 200 <= response.status < 300:
                _checked(response, self._read(response, request), self.target)
            return None
        finally:
            response.close()

    def store(self, link: str, *, body: Any, headers: Mapping[str, str], timeout_s: float) -> Response:
        """PUT to a link of the storage, which gets no token; whatever it answers. Raises ServerUnreachable."""
        request = _Request("PUT", link, body, headers, timeout_s)
        response = self._exchange(request)
        return Response(response.status, response.headers, self._read(response, request))

    @contextlib.contextmanager
    def fetch(self, link: str, *, start: int = 0, end: int | None = None) -> "Iterator[urllib3.BaseHTTPResponse]":
        """GET the bytes [start, end) by a link of the storage, which gets no token; whatever it answers. Raises ServerUnreachable."""
        last = "" if end is None else end - 1
        response = self._exchange(
            _Request("GET", link, headers={"Range": f"bytes={start}-{last}"} if start or end else {})
        )
        try:
            yield response
        finally:
            if response.status >= 300:
                response.close()
            else:
                response.release_conn()

    def reads_etags(self, link: str) -> bool:
        """Whether the storage names what it took by its MD5, as far as is known."""
        return _host(link) not in self._no_etags

    def read_no_etags(self, link: str) -> None:
        """It does not."""
        self._no_etags.add(_host(link))

    @property
    def goes_around(self) -> bool:
        """Whether bytes go through the server, since its storage could not be reached a while ago."""
        return time.monotonic() < self._around_until

    def go_around(self, reason: StorageUnreachable) -> None:
        """Send and ask for bytes through the server from now on, which is told once; in ten minutes the storage is tried again."""
        self._around_until = time.monotonic() + STORAGE_AWAY_S
        if not self._told_around:
            self._told_around = True
            logger.warning(
                "%s: files go through the server instead, which is slower (docs/storage.md, closed networks)", reason
            )

    def _asked_through(self) -> dict[str, str]:
        return {THROUGH: "server"} if self.goes_around else {}

    def close(self) -> None:
        """Let go of the connections."""
        for pool in self._pools.values():
            pool.clear()

    def pieces(self, response: "urllib3.BaseHTTPResponse") -> Iterator[bytes]:
        """Its body, not decoded. Raises ServerUnreachable."""
        import urllib3

        try:
            yield from response.stream(1 << 20)
        except urllib3.exceptions.HTTPError as exc:
            raise ServerUnreachable(f"the download broke off: {_reason(exc)}") from exc

    def _url(self, path: str, params: Mapping[str, Any] | None) -> str:
        base = path if "://" in path else self.target.base_url + (path if path.startswith(API) else API + path)
        pairs = {key: value for key, value in (params or {}).items() if value is not None}
        return f"{base}?{urlencode(pairs, doseq=True)}" if pairs else base

    def _send(self, request: _Request) -> "urllib3.BaseHTTPResponse":
        if self._is_ours(request.url):
            self._meet()
            if self.target.token:
                headers = {**request.headers, "Authorization": f"Bearer {self.target.token}"}
                if time.monotonic() < self._fresh_until:
                    headers["Lineal-Read"] = "primary"
                return self._exchange(replace(request, headers=headers))
        return self._exchange(request)

    def _is_ours(self, url: str) -> bool:
        try:
            return _credentials.normalised(url.split("?", 1)[0].split("#", 1)[0])[1] == self.target.origin
        except NotConfigured:
            return False

    def _exchange(self, request: _Request) -> "urllib3.BaseHTTPResponse":
        import urllib3

        errors = urllib3.exceptions
        left_s = max(self._until - time.monotonic(), 0.01)
        try:
            return self._connections(request.url).request(
                request.method,
                request.url,
                body=request.body,
                headers={"User-Agent": f"lineal/{lineal.__version__}", "Accept": "application/json", **request.headers},
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, left_s), read=min(request.timeout_s, left_s)),
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except (errors.NewConnectionError, errors.ConnectTimeoutError, errors.ProxyError, errors.SSLError) as exc:
            kind = ServerUnreachable if self._is_ours(request.url) else StorageUnreachable
            raise kind(f"{self._named(request.url)} cannot be reached: {_reason(exc)}") from exc
        except errors.HTTPError as exc:
            raise self._lost(exc, request) from exc

    def _lost(self, exc: Exception, request: _Request) -> ServerUnreachable:
        message = f"the answer of {self._named(request.url)} was lost: {_reason(exc)}"
        if request.repeatable:
            return ServerUnreachable(message)
        return OutcomeUnknown(f"{message}; it may have acted on the request")

    def _read(self, response: "urllib3.BaseHTTPResponse", request: _Request) -> bytes:
        import urllib3

        try:
            return response.read()
        except urllib3.exceptions.HTTPError as exc:
            raise self._lost(exc, request) from exc
        finally:
            response.release_conn()

    def _named(self, url: str) -> str:
        """Which of them an error is about. A link's path and signature are nobody's business."""
        return self.target.base_url if self._is_ours(url) else f"the storage at {_host(url)}"

    def _connections(self, url: str) -> "urllib3.PoolManager":
        """Of the host that `url` names, since a proxy may stand before one and not before the other."""
        if self._pid != os.getpid():  # a fork: the sockets are the parent's, and so may the lock be
            self._lock, self._pools, self._pid = threading.Lock(), {}, os.getpid()
        base = self.target.base_url if self._is_ours(url) else _host(url)
        with self._lock:
            if base not in self._pools:
                self._pools[base] = _new_pool(base)
            return self._pools[base]

    def _meet(self) -> None:
        """Ask the server for its ledger key, without the token, and compare it with the pinned one; pin it at first contact."""
        if self._met:
            return
        request = _Request("GET", f"{self.target.base_url}{API}/server")
        response = self._exchange(request)
        answer = Response(200, {}, _checked(response, self._read(response, request), self.target)).json()
        vkey = answer.get("vkey") if isinstance(answer, dict) else None
        if self.target.vkey is None or self._was_handed_over(vkey, answer):
            self._pin(vkey)
        elif vkey != self.target.vkey:
            raise ServerKeyChanged(
                f"{self.target.origin} shows the ledger key {vkey}, but was first met with {self.target.vkey}: nothing was sent to it. "
                f"If the server was set up anew on purpose, run `lineal login {self.target.origin}`."
            )
        self._met = True

    def _was_handed_over(self, vkey: str | None, answer: Mapping[str, Any]) -> bool:
        """Do rotations, each signed by the key before it, lead from the pinned key to the one that is shown now?"""
        from lineal._keyring import latest_key

        pinned = self.target.vkey
        if not vkey or not pinned or vkey == pinned or not isinstance(notes := answer.get("rotations"), list):
            return False
        if latest_key(pinned, [note for note in notes if isinstance(note, str)]) != vkey:
            return False
        logger.warning(
            "%s was handed over to a new ledger key, which the old one has signed: %s", self.target.origin, vkey
        )
        return True

    def _pin(self, vkey: str | None) -> None:
        if not vkey:
            return
        try:
            _credentials.remember(self.target.origin, vkey=vkey)
        except (OSError, NotConfigured) as exc:  # a container without a home: pinned for the life of this process
            logger.debug("the key of %s is not kept: %s", self.target.origin, exc)
        self.target = Target(self.target.base_url, self.target.origin, self.target.token, vkey, self.target.user)


def call(transport: Transport, method: str, path: str, *, patience_s: float = 30.0, **options: Any) -> Response:
    """`Transport.request` for a caller who waits: 429 and 503 are waited out as told, lost answers are asked for again where that is safe.

    Raises: as `Transport.request`, once `patience_s` is spent.
    """
    deadline = time.monotonic() + patience_s
    for attempt in itertools.count(1):
        try:
            return transport.request(method, path, **options)
        except LinealError as exc:
            wait = _wait_s(exc, attempt)
            if wait is None or time.monotonic() + wait > deadline:
                raise
        time.sleep(wait)
    raise AssertionError("unreachable: the loop ends by returning or raising")


def _wait_s(exc: LinealError, attempt: int) -> float | None:
    if isinstance(exc, ServerUnreachable):
        return None if isinstance(exc, OutcomeUnknown) or attempt >= MOST_ATTEMPTS else backoff_s(attempt)
    return retry_after_s(exc)


def retry_after_s(exc: Exception) -> float | None:
    """How long the server asked to wait, 1 s if it only said "not now"; None when waiting would not help."""
    if not isinstance(exc, ProblemError) or exc.status not in (429, 503):
        return None
    try:
        return max(float(exc.retry_after or 1.0), 0.0)
    except ValueError:
        return 1.0  # an HTTP date; a second is soon enough to ask again


def backoff_s(attempt: int, longest_s: float = 60.0) -> float:
    """Exponential from half a second, with full jitter, so that a thousand clients do not come back together."""
    return random.uniform(0.25, 1.0) * min(longest_s, 0.5 * 2.0 ** min(attempt - 1, 16))  # noqa: S311 - spreads load, guards nothing


def _storage_trouble(status: int, where: str) -> LinealError:
    """For a link that did not lead to bytes: but for a lost object, another link may."""
    if status == 404:
        return LinealError(f"{where} does not have the file any more")
    return ServerUnreachable(f"{where} answered {status}")


def _checked(response: "urllib3.BaseHTTPResponse", data: bytes, target: Target) -> bytes:
    if 200 <= response.status < 300 or response.status == 304:
        return data
    if 300 <= response.status < 400:
        where = response.headers.get("Location", "nowhere")
        raise LinealError(
            f"{target.base_url} redirects to {where}: redirects are not followed; set LINEAL_URL to the right address"
        )
    raise problem(response.status, data, response.headers.get("X-Request-Id"), response.headers.get("Retry-After"))


def _new_pool(base_url: str) -> "urllib3.PoolManager":
    import urllib3

    options: dict[str, Any] = {"maxsize": MOST_IDLE, "blocksize": BLOCK_BYTES}
    proxy = _proxy(base_url)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _without_wish(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may go to a storage."""
    return {name: value for name, value in headers.items() if name != THROUGH}


def _host(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _proxy(base_url: str) -> str | None:
    """`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as everywhere else."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.parse import urlsplit
    from urllib.request import getproxies_environment, proxy_bypass

    parts = urlsplit(base_url)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies_environment().get(parts.scheme)


def _reason(exc: Exception) -> str:
    """The last words of urllib3's long messages."""
    return str(exc).rsplit(": ", 1)[-1] or type(exc).__name__
