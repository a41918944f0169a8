"""Requests at the least cost to whoever sends them: ready-made bytes on a keep-alive socket, and only as much of HTTP as reads an
answer's end. The client shares the machine with the server, so what it saves is not taken from the figure.
"""

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LIMIT_S = 120.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Sockets:
    """One connection. Raises RuntimeError on any answer but 2xx, and ConnectionError when the server goes away."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""
        self._asked = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, request: bytes) -> bytes:
        """The body of the answer."""
        self.ask(request)
        return self.answer()

    def ask(self, request: bytes) -> None:
        """Send it, and go on; `answer` waits for what comes back."""
        self._socket.sendall(request)
        self._asked = request

    def answer(self) -> bytes:
        """The body of the answer to the last request."""
        head, length = self._head()
        body = self._left
        while len(body) < length:
            body += self._more()
        self._left = body[length:]
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{self._asked[:80]!r}: {head[:40]!r} {body[:300]!r}")
        return body[:length]

    def _head(self) -> tuple[bytes, int]:
        found = self._left
        while b"\r\n\r\n" not in found:
            found += self._more()
        head, _, self._left = found.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise RuntimeError(f"an answer without a length: {head!r}")
        return head, int(length[1])

    def _more(self) -> bytes:
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def post(path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Driven:
    """What came of requests sent side by side. `slowest` are seconds from a request to its answer, of all of them."""

    took_s: float = 0.0
    requests: int = 0
    answers_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.requests / self.took_s

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.answers_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


def drive(url: str, streams: Sequence[Sequence[bytes]]) -> Driven:
    """Each stream on a connection and a thread of its own, one request after the other. Raises what a stream raised."""
    found = Driven(requests=sum(len(stream) for stream in streams))
    errors: list[BaseException] = []
    ready, go = threading.Barrier(len(streams) + 1), threading.Event()

    def work(stream: Sequence[bytes]) -> None:
        try:
            with Sockets(url) as connection:
                ready.wait()
                go.wait()
                found.answers_s.extend(_timed(connection, stream))
        except BaseException as exc:  # noqa: BLE001 - raised again below, in the thread that waits
            errors.append(exc)
            ready.abort()

    threads = [threading.Thread(target=work, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    ready.wait()
    begun = time.perf_counter()
    go.set()
    for thread in threads:
        thread.join()
    found.took_s = time.perf_counter() - begun
    if errors:
        raise errors[0]
    return found


def _timed(connection: Sockets, stream: Sequence[bytes]) -> Iterator[float]:
    for request in stream:
        begun = time.perf_counter()
        connection.send(request)
        yield time.perf_counter() - begun
