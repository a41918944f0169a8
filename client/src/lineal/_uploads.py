"""Files on their way to the server: announced in groups, sent side by side from where a broken connection left off, committed."""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lineal._errors import Conflict, Invalid, LinealError, Malformed, ServerUnreachable, TooLarge
from lineal._http import Response, Transport

LARGEST_GROUP = 1_000  # files in one announcement
THREADS = 4
SEND_TIMEOUT_S = 300.0  # without a byte moving
UNACCEPTABLE = (Malformed, Invalid, TooLarge)


class Waiting(NamedTuple):
    """A file to send: its path in the run, and where its bytes lie here."""

    path: str
    size: int
    sha256: str
    source: Path


class Ticket(NamedTuple):
    """Where the server takes a file, and how much of it is there."""

    url: str
    offset: int


class Refused(NamedTuple):
    """A file that the server will never take, and why."""

    file: Waiting
    reason: str


class Uploader:
    """Sends files of one run. Every call may be repeated: what has arrived is found again."""

    def __init__(
        self, transport: Transport, *, project: str, run: str, on_progress: Callable[[int], None] = lambda _: None
    ) -> None:
        self._transport = transport
        self._project = project
        self._run = run
        self._on_progress = on_progress

    def send(self, files: Sequence[Waiting]) -> list[Refused]:
        """Send at most `LARGEST_GROUP` files; those that are no use sending again come back. Equal bytes are sent once.

        Raises:
            LinealError: as `Transport.request`; the same call again goes on where this one stopped.
        """
        first = {file.sha256: file for file in reversed(files)}
        refused = self._send_distinct(list(first.values()))
        twins = [file for file in files if first[file.sha256] is not file]
        return refused + (self._send_distinct(twins) if twins else [])

    def _send_distinct(self, files: Sequence[Waiting]) -> list[Refused]:
        try:
            tickets = self._announce(files)
        except UNACCEPTABLE as exc:
            if len(files) == 1:
                return [Refused(files[0], str(exc))]
            return [refused for file in files for refused in self._send_distinct([file])]
        refused: list[Refused] = []
        wanted = []
        for file, ticket in zip(files, tickets, strict=True):
            if ticket is None:
                self._on_progress(file.size)
            else:
                wanted.append((file, ticket))
        in_parallel(lambda pair: self._send_one(pair[0], pair[1], refused), wanted)
        return refused

    def _announce(self, files: Sequence[Waiting]) -> list[Ticket | None]:
        """An upload for each file that the server lacks."""
        body = {"files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in files]}
        answer = self._call("POST", f"/runs/{self._run}/artifacts", json=body, repeatable=True).json()
        try:
            by_path = {entry["path"]: _ticket_of(entry) for entry in answer["files"]}
            return [by_path[file.path] for file in files]
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise LinealError(f"the answer to announced files is none of Lineal's: {answer!r:.80}") from exc

    def _send_one(self, file: Waiting, ticket: Ticket, refused: list[Refused]) -> None:
        try:
            self._send_bytes(file, ticket)
            self._call("POST", f"{ticket.url}/commit", repeatable=True)
        except FileNotFoundError:
            refused.append(Refused(file, "its copy in the spool is gone"))
        except Invalid as exc:  # other bytes arrived than were announced
            if sha256_of(file.source) == file.sha256:
                raise ServerUnreachable(f"{file.path} was damaged on its way: {exc}") from exc
            refused.append(Refused(file, "its bytes changed on disk after it was logged"))
        except Conflict as exc:  # an earlier, broken request still holds the upload, or bytes are missing
            if exc.type.rpartition("/")[2] not in ("upload-busy", "upload-offset", "upload-incomplete"):
                raise
            raise ServerUnreachable(f"{file.path} has to be sent again: {exc}") from exc

    def _send_bytes(self, file: Waiting, ticket: Ticket) -> None:
        offset = ticket.offset
        if offset and offset == file.size:
            return
        with file.source.open("rb") as source:
            source.seek(offset)
            self._on_progress(offset)
            body = _Counted(source, self._on_progress)
            self._call(
                "PUT",
                ticket.url,
                extra={"offset": offset},
                body=body if file.size else b"",
                headers={"Content-Length": str(file.size - offset)},
                content_type="application/octet-stream",
                timeout_s=SEND_TIMEOUT_S,
            )

    def _call(self, method: str, path: str, *, extra: dict[str, Any] | None = None, **options: Any) -> Response:
        return self._transport.request(method, path, params={"project": self._project, **(extra or {})}, **options)


def _ticket_of(entry: Mapping[str, Any]) -> Ticket | None:
    upload = entry.get("upload")
    return None if upload is None else Ticket(str(upload["url"]), int(upload["offset"]))


class _Counted:
    """A file whose reading is told: what urllib3 sends, piece by piece."""

    def __init__(self, source: Any, on_progress: Callable[[int], None]) -> None:
        self._source = source
        self._on_progress = on_progress

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._source.read(max(size, 1 << 16) if size > 0 else size)
        self._on_progress(len(data))
        return data


def in_parallel(function: Callable[[Any], None], items: Iterable[Any], threads: int = THREADS) -> None:
    """Call `function` on each item from a few threads. The first error ends the rest and is raised.

    Works at the interpreter's exit too, where no thread can be started: then one after the other.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    errors: list[Exception] = []

    def work() -> None:
        while not errors:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                function(item)
            except Exception as exc:  # noqa: BLE001 - whatever it is, the caller raises it: a thread that ends of it tells nobody
                errors.append(exc)

    helpers = _started(work, min(threads, waiting.qsize()) - 1)
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    started = []
    for _ in range(count):
        thread = threading.Thread(target=work, name="lineal-upload", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        started.append(thread)
    return started


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
