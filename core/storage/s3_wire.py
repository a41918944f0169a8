"""HTTP/1.1 without TLS and proxies, one request at a time on connections that are kept: as much of it as small objects need.

Of a request for ten kilobytes botocore's session takes 0.33 ms of processor time, most of it in headers, which the standard library
reads as it reads e-mail. Here head and body go together, and of an answer its status, its length and its bytes are read: 0.09 ms.
Whatever is unusual is left to somebody who knows it: there is no answer then, and the connection is not used again.
"""

import socket
import weakref
from collections import deque
from collections.abc import Mapping
from typing import IO, NamedTuple
from urllib.parse import urlsplit

LONGEST_LINE = 65_536  # bytes
MOST_LINES = 100  # of a head
PORT = 80
_READ = {b"content-length", b"transfer-encoding", b"connection"}  # of a head


class Answer(NamedTuple):
    """`body` is None where its length was not told."""

    status: int
    body: bytes | None


class KeptConnections:
    """To the server at `base`, an `http://` address, from any thread; at most `most` of them idle."""

    def __init__(self, base: str, *, connect_limit_s: float, read_limit_s: float, most: int) -> None:
        parts = urlsplit(base)
        self._address = (parts.hostname or "", parts.port or PORT)
        name = f"[{parts.hostname}]" if ":" in self._address[0] else self._address[0]
        self._host = name if self._address[1] == PORT else f"{name}:{self._address[1]}"  # as botocore signs it
        self._connect_limit_s = connect_limit_s
        self._read_limit_s = read_limit_s
        self._most = most
        self._idle: deque[_Connection] = deque()
        weakref.finalize(self, _close, self._idle)

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """None where the answer is not understood, or the connection was closed before it came: as a server does with one that was
        idle. It may have acted on the request.

        Raises:
            ConnectionRefusedError, TimeoutError, OSError: no connection leads there; or no answer came in time.
        """
        path = "/" + url.split("/", 3)[3]
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connected()
        return self._exchanged(connection, request)

    def _connected(self) -> "_Connection":
        opened = socket.create_connection(self._address, timeout=self._connect_limit_s)
        opened.settimeout(self._read_limit_s)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Connection(opened)

    def _exchanged(self, connection: "_Connection", request: bytes) -> Answer | None:
        answer = None
        try:
            answer = connection.ask(request)
        except ConnectionError:
            return None
        finally:
            if answer is None or not connection.is_kept or len(self._idle) >= self._most:
                connection.close()
            else:
                self._idle.append(connection)
        return answer


def _close(idle: "deque[_Connection]") -> None:
    while idle:
        idle.pop().close()


class _Connection:
    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._answers: IO[bytes] = opened.makefile("rb")
        self.is_kept = True
        """Whether another request may follow: the last answer was read to its end, and did not say otherwise."""

    def ask(self, request: bytes) -> Answer | None:
        self._socket.sendall(request)
        status = _status(self._answers.readline(LONGEST_LINE))
        head = self._head()
        if status is None or head is None:
            return None
        length = head.get(b"content-length", b"")
        self.is_kept = length.isdigit() and head.get(b"connection", b"").lower() != b"close"
        if not length.isdigit() or b"transfer-encoding" in head:
            self.is_kept = False
            return Answer(status, None)
        body = self._answers.read(int(length))
        return Answer(status, body) if len(body) == int(length) else None

    def _head(self) -> dict[bytes, bytes] | None:
        head: dict[bytes, bytes] = {}
        for _ in range(MOST_LINES):
            line = self._answers.readline(LONGEST_LINE)
            if line == b"\r\n":
                return head
            name, colon, value = line.partition(b":")
            if not (colon and line.endswith(b"\r\n")):
                return None
            name, value = name.lower(), value.strip()
            if name in _READ and head.setdefault(name, value) != value:
                return None
        return None

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def _status(line: bytes) -> int | None:
    """None for another version of HTTP, and for answers that another follows."""
    version, _, rest = line.partition(b" ")
    return int(rest[:3]) if version == b"HTTP/1.1" and rest[:3].isdigit() and rest[:1] in b"2345" else None
