"""Files sent to the storage by links that the server signs: part by part, side by side, going on where an earlier process stopped.

What the storage says it has of a part, its ETag, is compared with the MD5 that was taken while the part was sent. Where they differ it was
damaged on its way, or this storage means something else by it, as one with keys of its own does: then the part goes again, with an MD5
that the storage itself has to compare.
"""

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from lineal._errors import LinealError, ServerUnreachable, StorageUnreachable
from lineal._http import Response, Transport, backoff_s
from lineal._parallel import in_parallel

LINKS_AT_ONCE = 64  # parts; they are used up long before they expire
THREADS = 6
ATTEMPTS = 4  # of one part, a second apart and more
CONNECTIONS = 2  # of them without any connection; then there is another way
SEND_TIMEOUT_S = 300.0  # without a byte moving
READ_BYTES = 1 << 20
REFUSED = (400, 401, 403)  # a link that expired, mostly
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')  # as an ETag spells it


class Link(NamedTuple):
    """A request that the storage takes without credentials: `headers` go with it as they are."""

    url: str
    headers: Mapping[str, str]


class Cut(NamedTuple):
    """How a file is cut into parts, all of the same size but the last; whether some may have arrived; a link for a file of one part."""

    part_size: int
    parts: int
    began: bool
    link: Link | None


class Bytes(NamedTuple):
    """Part of a file."""

    path: Path
    start: int
    size: int


def cut_of(entry: Mapping[str, Any]) -> Cut:
    """Raises KeyError, TypeError: not as the server says it."""
    link = entry.get("link")
    return Cut(
        int(entry["part_size"]), int(entry["parts"]), bool(entry["began"]), None if link is None else _link_of(link)
    )


def _link_of(entry: Mapping[str, Any]) -> Link:
    return Link(str(entry["url"]), dict(entry["headers"]))


class DirectSender:
    """Sends the bytes of one upload. `ask(method, path, **options)` is a request to the server about it."""

    def __init__(
        self, transport: Transport, ask: Callable[..., Response], url: str, on_progress: Callable[[int], None]
    ) -> None:
        self._transport = transport
        self._ask = ask
        self._url = url
        self._on_progress = on_progress

    def send(self, source: Path, size: int, cut: Cut) -> None:
        """Send what has not arrived. The same call again, from any process, goes on where this one stopped.

        Raises:
            StorageUnreachable: no connection leads there from this machine.
            ServerUnreachable: the storage does not take it now.
            LinealError: as `Transport.request`.
        """
        if cut.parts == 1:
            whole = Bytes(source, 0, size)
            self._put(whole, 1, cut.link or self._links([1])[1])
            return
        arrived = set(self._ask("GET", self._url).json().get("arrived") or []) if cut.began else set()
        pieces = {number: _piece(source, size, cut.part_size, number) for number in range(1, cut.parts + 1)}
        self._on_progress(sum(piece.size for number, piece in pieces.items() if number in arrived))
        missing = [number for number in pieces if number not in arrived]
        links = _Supply(self._links, missing)
        in_parallel(lambda number: self._put(pieces[number], number, links.take(number)), missing, THREADS)

    def _links(self, numbers: Sequence[int]) -> dict[int, Link]:
        answer = self._ask("POST", f"{self._url}/links", json={"parts": list(numbers)}, repeatable=True).json()
        try:
            return {int(entry["part"]): _link_of(entry) for entry in answer["links"]}
        except (KeyError, TypeError, ValueError) as exc:
            raise LinealError(f"the answer to a wish for links is none of Lineal's: {answer!r:.80}") from exc

    def _put(self, piece: Bytes, number: int, link: Link) -> None:
        trouble, compares = "", False  # whether the storage is asked to
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                time.sleep(backoff_s(attempt - 1, 5.0))
            compares = compares or not self._transport.reads_etags(link.url)
            body = _Body(piece, self._on_progress)
            try:
                with body:
                    answer = self._transport.store(
                        link.url,
                        body=body if piece.size else b"",
                        headers=_headers(piece, link, compares),
                        timeout_s=SEND_TIMEOUT_S,
                    )
            except StorageUnreachable as exc:
                if attempt >= CONNECTIONS:
                    body.take_back()
                    raise
                trouble = str(exc)
            except ServerUnreachable as exc:
                trouble = str(exc)
            else:
                if 200 <= answer.status < 300:
                    named = _named_md5(answer) == body.md5
                    if compares and not named:
                        self._transport.read_no_etags(link.url)
                    if compares or named:
                        return
                    trouble, compares = "the storage seems to have other bytes", True
                else:
                    trouble = f"the storage answered {answer.status}: {_said(answer.body)}"
                if answer.status in (404, 409, 501):
                    body.take_back()
                    break  # the upload is gone there: announced again, it begins anew
                if answer.status in REFUSED:
                    link = self._links([number])[number]
            body.take_back()
        raise ServerUnreachable(f"part {number} of {piece.path.name} was not taken: {trouble}")


class _Supply:
    """A link for each part, asked for in groups when the first of a group is due: no thread waits for another's last part."""

    def __init__(self, ask: Callable[[Sequence[int]], dict[int, Link]], numbers: Sequence[int]) -> None:
        self._ask = ask
        self._to_ask = list(numbers)
        self._links: dict[int, Link] = {}
        self._lock = threading.Lock()

    def take(self, number: int) -> Link:
        """Raises as `ask`."""
        with self._lock:
            while number not in self._links:
                group = self._to_ask[:LINKS_AT_ONCE]
                if not group:
                    raise LinealError(f"the server gave no link for part {number}")
                self._links |= self._ask(group)
                del self._to_ask[: len(group)]
            return self._links.pop(number)


def _piece(source: Path, size: int, part_size: int, number: int) -> Bytes:
    start = (number - 1) * part_size
    return Bytes(source, start, min(part_size, size - start))


class _Body:
    """Part of a file as urllib3 sends it, hashed and told piece by piece; what did not arrive after all can be taken back."""

    def __init__(self, piece: Bytes, on_progress: Callable[[int], None]) -> None:
        self._file = piece.path.open("rb")
        self._file.seek(piece.start)
        self._left = piece.size
        self._told = 0
        self._on_progress = on_progress
        self._digest = hashlib.md5(usedforsecurity=False)

    @property
    def md5(self) -> bytes:
        """Of what was read."""
        return self._digest.digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(self._left, READ_BYTES if size < 0 else max(size, 1 << 16)))
        self._left -= len(data)
        self._told += len(data)
        self._digest.update(data)
        self._on_progress(len(data))
        return data

    def take_back(self) -> None:
        self._on_progress(-self._told)
        self._told = 0


def _headers(piece: Bytes, link: Link, compares: bool) -> dict[str, str]:
    """`compares`: the storage is to refuse other bytes; whose bytes they are is a matter of SHA-256."""
    headers = {**link.headers, "Content-Length": str(piece.size)}
    if compares:
        digest, left = hashlib.md5(usedforsecurity=False), piece.size
        with piece.path.open("rb") as file:
            file.seek(piece.start)
            while left and (data := file.read(min(left, READ_BYTES))):
                digest.update(data)
                left -= len(data)
        headers["Content-MD5"] = base64.b64encode(digest.digest()).decode()
    return headers


def _named_md5(answer: Response) -> bytes:
    """The MD5 that the storage calls what it took by; empty where the name is none."""
    named = _MD5.fullmatch(answer.headers.get("ETag", ""))
    return bytes.fromhex(named[1]) if named else b""


def _said(body: bytes) -> str:
    """The storage's own word for it, out of its XML."""
    text = body.decode("utf-8", "replace")
    _, _, rest = text.partition("<Code>")
    return rest.partition("</Code>")[0] or text[:80].strip() or "nothing"
