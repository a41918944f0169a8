"""The one outbound HTTP client: what people make this server send goes through here, and never into the server's own network.

The host is resolved first, every address it has must be a public one, and the connection is made to that very address, so
that a name cannot change its meaning in between. Redirects are answers, not followed. LINEAL_OUTBOUND_ALLOW lists the
private hosts and networks that may be reached all the same.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from core import tracing
from core.errors import Invalid, Unavailable

ANSWER_BYTES = 64 * 1024  # of a body that is read; answers are looked at by people
CARRYING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))  # NAT64, and IPv4-compatible of old
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRefused(Invalid):
    """An address that this server may not be made to call. Trying again would change nothing."""

    code = "outbound-refused"
    title = "Address not allowed"


class OutboundFailed(Unavailable):
    """No answer came: the name, the connection or the other side failed. Whether the request was seen is not known."""

    code = "outbound-failed"
    title = "No answer"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int
    target: str


def send(method: str, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """The answer to one request; an error status is an answer. `timeout_s` bounds the connection, and then the exchange
    as a whole, however slowly its bytes come.

    Raises:
        OutboundRefused: no http or https address, or one in a network that may not be reached.
        OutboundFailed: no answer.
    """
    parts = parse_url(url)
    sent = {"User-Agent": "lineal", **headers}
    with tracing.around_call(method, parts.host, sent) as note_status:
        answer = _exchange(method, parts, sent, body, timeout_s)
        note_status(answer.status)
        return answer


def _exchange(method: str, parts: _Url, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    connection = _connection(parts, _allowed_address(parts), timeout_s)
    try:
        connection.connect()
        with _ended_after(connection.sock, timeout_s):
            connection.request(method, parts.target, body=body, headers=dict(headers))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read(ANSWER_BYTES))
    except (OSError, http.client.HTTPException) as exc:
        raise OutboundFailed(f"{parts.host}: {type(exc).__name__}: {exc}") from exc
    finally:
        connection.close()


@contextmanager
def _ended_after(connected: socket.socket, limit_s: float) -> Iterator[None]:
    """Cut the connection at the limit: a socket's own time-out starts anew with each byte. What was read by then is no
    whole answer, so it counts as none.
    """
    cut = threading.Event()

    def end() -> None:
        cut.set()
        with suppress(OSError):  # it is closed already
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as exc:
        if cut.is_set():
            raise _too_slow(limit_s) from exc
        raise
    finally:
        timer.cancel()
    if cut.is_set():
        raise _too_slow(limit_s)


def _too_slow(limit_s: float) -> TimeoutError:
    return TimeoutError(f"the answer took longer than {limit_s:g} s")


def parse_url(url: str) -> _Url:
    """Raises OutboundRefused unless `url` is an absolute http(s) address without a user in it."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as exc:
        raise OutboundRefused("This is not an address.", field="address") from exc
    plain = url.isascii() and url.isprintable() and not any(sign in url for sign in " \\")
    if not plain or parts.scheme not in {"http", "https"} or not parts.hostname or not port:
        raise OutboundRefused("An address begins with https:// or http:// and a host.", field="address")
    if "@" in parts.netloc:
        raise OutboundRefused("An address with a user or password in it is not accepted.", field="address")
    target = parts.path or "/"
    return _Url(parts.scheme, parts.hostname, port, f"{target}?{parts.query}" if parts.query else target)


def _allowed_address(url: _Url) -> str:
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise OutboundFailed(f"The host '{url.host}' has no address.") from exc
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    barred = [address for address in addresses if not _may_reach(url.host, address)]
    if barred or not addresses:
        raise OutboundRefused(
            f"'{url.host}' is in a network that this server does not call; LINEAL_OUTBOUND_ALLOW can list it.",
            field="address",
        )
    return str(addresses[0])


def _may_reach(host: str, address: Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = inner or address
    if _is_public(address):
        return True
    return any(_covers(entry, host, address) for entry in settings.OUTBOUND_ALLOW)


def _is_public(address: Address) -> bool:
    """Globally reachable, and no way round to what is not (6to4, Teredo and others carry an IPv4 address inside)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour is not None or address.teredo is not None:
            return False
        if any(address in network for network in CARRYING):
            return False
    return address.is_global and not address.is_multicast


def _covers(entry: str, host: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return entry.lower() == host.lower()


def _connection(url: _Url, address: str, timeout_s: float) -> http.client.HTTPConnection:
    options: dict[str, Any] = {"timeout": timeout_s}
    if url.scheme == "https":
        return _PinnedHttps(url.host, url.port, address, context=ssl.create_default_context(), **options)
    return _PinnedHttp(url.host, url.port, address, **options)


class _PinnedHttp(http.client.HTTPConnection):
    """Speaks to `host`, connects to `address`."""

    def __init__(self, host: str, port: int, address: str, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _PinnedHttps(http.client.HTTPSConnection):
    """As `_PinnedHttp`; the certificate has to be the host's."""

    def __init__(self, host: str, port: int, address: str, *, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, port, context=context, **options)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
