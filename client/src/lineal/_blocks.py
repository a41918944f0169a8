"""A large file read from the storage in blocks, side by side; which of them are here is kept beside it, for the next process."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lineal._errors import LinealError, ServerUnreachable, StorageUnreachable
from lineal._http import Transport, backoff_s
from lineal._parallel import in_parallel

if TYPE_CHECKING:
    import urllib3

BLOCK_BYTES = 16 << 20
THREADS = 6
ATTEMPTS = 4  # of one block
CONNECTIONS = 2  # of them without any connection; then there is another way
EXPIRED = (400, 401, 403)


def fetch_blocks(
    transport: Transport, link: str, ask_link: Callable[[], str | None], *, part: Path, size: int, sha256: str
) -> None:
    """Fill `part` with the bytes that `link` leads to; a link that has expired is asked for anew.

    Raises:
        StorageUnreachable: no connection leads there; `part` is cut to what is whole from its beginning, for a stream to go on.
        ServerUnreachable: it broke off; `part` and its journal stay, and the same call goes on.
        LinealError: the storage does not have the file.
    """
    journal = _Journal(part, size, sha256)
    blocks = _Blocks(transport, link, ask_link, part, size)

    def bring(number: int) -> None:
        blocks.bring(number)
        journal.note(number)

    try:
        with journal:
            in_parallel(bring, journal.missing(), THREADS)
    except StorageUnreachable:
        journal.cut()
        raise
    journal.remove()


def leave_the_beginning(part: Path, size: int, sha256: str) -> None:
    """Cut a part that blocks were written into at the first that is missing, so that a stream can go on behind it."""
    journal = _Journal(part, size, sha256)
    if journal.exists():
        journal.cut()


class _Journal:
    """`….part.blocks`: a line that says which file it is about, then the number of each block that is in `….part`."""

    def __init__(self, part: Path, size: int, sha256: str) -> None:
        self._part = part
        self._path = part.with_name(f"{part.name}.blocks")
        self._first_line = f"{BLOCK_BYTES} {size} {sha256}"
        self._count = -(-size // BLOCK_BYTES)
        self._lock = threading.Lock()
        self._done = self._read(part)

    def _read(self, part: Path) -> set[int]:
        if not part.exists():
            self._begin(part, set())
            return set()
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        if lines and lines[0] == self._first_line:
            return {int(line) for line in lines[1:] if line.isascii() and line.isdigit()}
        done = set() if lines else set(range(part.stat().st_size // BLOCK_BYTES))  # a stream from the start broke off
        self._begin(part, done)
        return done

    def _begin(self, part: Path, done: set[int]) -> None:
        part.touch()
        self._path.write_text("".join(f"{line}\n" for line in (self._first_line, *sorted(done))))

    def __enter__(self) -> None:
        self._file = self._path.open("a")

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def missing(self) -> list[int]:
        return [number for number in range(self._count) if number not in self._done]

    def note(self, number: int) -> None:
        with self._lock:
            self._done.add(number)
            self._file.write(f"{number}\n")
            self._file.flush()

    def cut(self) -> None:
        """Leave the blocks up to the first that is missing, as a stream would."""
        whole = next(iter(self.missing()), self._count)
        if self._part.exists():
            with self._part.open("r+b") as file:
                file.truncate(min(whole * BLOCK_BYTES, self._part.stat().st_size))
        self.remove()

    def exists(self) -> bool:
        return self._path.exists()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class _Blocks:
    def __init__(
        self, transport: Transport, link: str, ask_link: Callable[[], str | None], part: Path, size: int
    ) -> None:
        self._transport = transport
        self._link = link
        self._renewing = threading.Lock()
        self._ask_link = ask_link
        self._part = part
        self._size = size

    def bring(self, number: int) -> None:
        start = number * BLOCK_BYTES
        end = min(start + BLOCK_BYTES, self._size)
        trouble = ""
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                time.sleep(backoff_s(attempt - 1, 5.0))
            link = self._link
            try:
                with self._transport.fetch(link, start=start, end=end) as response:
                    if 200 <= response.status < 300 and _begins_at(response, start):
                        self._write(response, start, end)
                        return
                    trouble = f"the storage answered {response.status}"
                    status = response.status
            except StorageUnreachable as exc:
                if attempt >= CONNECTIONS:
                    raise
                trouble = str(exc)
                continue
            except ServerUnreachable as exc:
                trouble = str(exc)
                continue
            if status == 404:
                raise LinealError("the storage does not have the file any more")
            if status in EXPIRED:
                self._renew(link)
        raise ServerUnreachable(f"block {number} of {self._part.stem} did not come: {trouble}")

    def _write(self, response: "urllib3.BaseHTTPResponse", start: int, end: int) -> None:
        with self._part.open("r+b") as file:
            file.seek(start)
            for piece in self._transport.pieces(response):
                if file.tell() + len(piece) > end:
                    break
                file.write(piece)
            if file.tell() != end:
                raise ServerUnreachable(f"{file.tell() - start} of {end - start} bytes came")

    def _renew(self, expired: str) -> None:
        """Of many blocks whose link has expired, one asks."""
        with self._renewing:
            if self._link == expired:
                self._link = self._ask_link() or expired


def _begins_at(response: "urllib3.BaseHTTPResponse", start: int) -> bool:
    """By the header rather than the status: some servers answer a range with 200."""
    said = response.headers.get("Content-Range", "")
    return said.startswith(f"bytes {start}-") if said else start == 0 and response.status == 200
