"""Files on their way to the server: announced in groups, sent side by side from where a broken connection left off, committed.

Small ones travel together. Large ones go to the server's storage where that can be reached, else to the server itself.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lineal._direct import Cut, DirectSender, cut_of
from lineal._errors import (
    Conflict,
    Invalid,
    LinealError,
    Malformed,
    ServerUnreachable,
    StorageUnreachable,
    TooLarge,
)
from lineal._http import Response, Transport
from lineal._parallel import in_parallel

LARGEST_GROUP = 1_000  # files in one announcement
LARGEST_PACK = 250  # files in one pack, so that a thousand of them keep four threads busy
PACK_TYPE = "application/x-msgpack"
SEND_TIMEOUT_S = 300.0  # without a byte moving
UNACCEPTABLE = (Malformed, Invalid, TooLarge)


class Waiting(NamedTuple):
    """A file to send: its path in the run, and where its bytes lie here."""

    path: str
    size: int
    sha256: str
    source: Path


class Ticket(NamedTuple):
    """Where the server takes a file, how much of it is there, and how it is cut for the storage, if that can be reached."""

    id: str
    url: str
    offset: int
    cut: Cut | None


class Packing(NamedTuple):
    """Where small files are sent together, how large one may be, and all of them."""

    url: str
    file_bytes: int
    bytes: int


class Answer(NamedTuple):
    """To an announcement: an upload for each file that the server lacks, in their order."""

    tickets: list[Ticket | None]
    packing: Packing | None


Pair = tuple["Waiting", Ticket]


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
        self._most_packed = (
            sys.maxsize
        )  # bytes of files in one pack that whatever stands before the server lets through

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
            answer = self._announce(files)
        except UNACCEPTABLE as exc:
            if len(files) == 1:
                return [Refused(files[0], str(exc))]
            return [refused for file in files for refused in self._send_distinct([file])]
        wanted = []
        for file, ticket in zip(files, answer.tickets, strict=True):
            if ticket is None:
                self._on_progress(file.size)
            else:
                wanted.append((file, ticket))
        return self._send_wanted(wanted, answer.packing)

    def _send_wanted(self, wanted: Sequence[Pair], packing: Packing | None) -> list[Refused]:
        """Packs and files of one part side by side; files of many parts one after the other, since their parts are side by side."""
        refused: list[Refused] = []
        small: list[Pair] = []
        large: list[Pair] = []
        rest: list[Pair] = []
        for file, ticket in wanted:
            if packing and file.size <= packing.file_bytes and not ticket.offset:
                small.append((file, ticket))
            elif ticket.cut and ticket.cut.parts > 1:
                large.append((file, ticket))
            else:
                rest.append((file, ticket))
        if packing:
            in_parallel(lambda pack: self._send_pack(packing.url, pack, refused), _packs(small, packing))
        in_parallel(lambda pair: self._send_one(pair[0], pair[1], refused), rest)
        for file, ticket in large:
            self._send_one(file, ticket, refused)
        return refused

    def _announce(self, files: Sequence[Waiting]) -> Answer:
        body = {"files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in files]}
        answer = self._call("POST", f"/runs/{self._run}/artifacts", json=body, repeatable=True).json()
        try:
            by_path = {entry["path"]: _ticket_of(entry) for entry in answer["files"]}
            return Answer([by_path[file.path] for file in files], _packing_of(answer))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise LinealError(f"the answer to announced files is none of Lineal's: {answer!r:.80}") from exc

    def _send_pack(self, url: str, pack: Sequence[Pair], refused: list[Refused]) -> None:
        """In one request; where a proxy takes no such bodies, in several, down to each file alone."""
        size = sum(file.size for file, _ in pack)
        if len(pack) == 1 or size <= self._most_packed:
            try:
                self._send_whole_pack(url, pack, refused)
            except TooLarge:
                self._most_packed = min(self._most_packed, size // 2)
            else:
                return
        if len(pack) == 1:
            self._send_one(*pack[0], refused)
            return
        middle = len(pack) // 2
        self._send_pack(url, pack[:middle], refused)
        self._send_pack(url, pack[middle:], refused)

    def _send_whole_pack(self, url: str, pack: Sequence[Pair], refused: list[Refused]) -> None:
        import msgspec

        sent: dict[str, Waiting] = {}
        contents, gone = [], []
        for file, ticket in pack:
            try:
                contents.append({"upload": ticket.id, "data": file.source.read_bytes()})
                sent[ticket.id] = file
            except FileNotFoundError:
                gone.append(Refused(file, "its copy in the spool is gone"))
        body = msgspec.msgpack.encode({"files": contents})
        answer = (
            self._call("POST", url, body=body, content_type=PACK_TYPE, repeatable=True).json()
            if contents
            else {"files": []}
        )
        refused += gone
        try:
            reasons = {str(entry["upload"]): entry["detail"] for entry in answer["files"]}
        except (KeyError, TypeError) as exc:
            raise LinealError(f"the answer to a pack of files is none of Lineal's: {answer!r:.80}") from exc
        for id_, file in sent.items():
            self._on_progress(file.size)
            if reasons.get(id_, "it was passed over"):
                _judge_damage(file, reasons.get(id_), refused)

    def _send_one(self, file: Waiting, ticket: Ticket, refused: list[Refused]) -> None:
        try:
            if not (ticket.cut and self._send_to_storage(file, ticket, ticket.cut)):
                self._send_bytes(file, ticket)
            self._call("POST", f"{ticket.url}/commit", repeatable=True, timeout_s=SEND_TIMEOUT_S)
        except FileNotFoundError:
            refused.append(Refused(file, "its copy in the spool is gone"))
        except Invalid as exc:  # other bytes arrived than were announced
            _judge_damage(file, exc, refused)
        except Conflict as exc:  # an earlier, broken request still holds the upload, or bytes are missing
            if exc.type.rpartition("/")[2] not in ("upload-busy", "upload-offset", "upload-incomplete"):
                raise
            raise ServerUnreachable(f"{file.path} has to be sent again: {exc}") from exc

    def _send_to_storage(self, file: Waiting, ticket: Ticket, cut: Cut) -> bool:
        """False where no connection leads there: its bytes may go through the server."""
        if self._transport.goes_around:
            return False
        try:
            DirectSender(self._transport, self._call, ticket.url, self._on_progress).send(file.source, file.size, cut)
        except StorageUnreachable as exc:
            self._transport.go_around(exc)
            return False
        return True

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
    if upload is None:
        return None
    direct = upload.get("direct")
    return Ticket(str(upload["id"]), str(upload["url"]), int(upload["offset"]), cut_of(direct) if direct else None)


def _packing_of(answer: Mapping[str, Any]) -> Packing | None:
    """None: a server of before there were packs."""
    found = answer.get("pack")
    return None if not found else Packing(str(found["url"]), int(found["file_bytes"]), int(found["bytes"]))


def _packs(pairs: Sequence[Pair], packing: Packing) -> Iterator[list[Pair]]:
    pack: list[Pair] = []
    size = 0
    for pair in pairs:
        if pack and (size + pair[0].size > packing.bytes or len(pack) == LARGEST_PACK):
            yield pack
            pack, size = [], 0
        pack.append(pair)
        size += pair[0].size
    if pack:
        yield pack


def _judge_damage(file: Waiting, reason: object, refused: list[Refused]) -> None:
    """Other bytes arrived than were announced: is it the file that changed? Raises ServerUnreachable if not: sent again, it may arrive."""
    if sha256_of(file.source) == file.sha256:
        raise ServerUnreachable(f"{file.path} was damaged on its way: {reason}")
    refused.append(Refused(file, "its bytes changed on disk after it was logged"))


class _Counted:
    """A file whose reading is told: what urllib3 sends, piece by piece."""

    def __init__(self, source: Any, on_progress: Callable[[int], None]) -> None:
        self._source = source
        self._on_progress = on_progress

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._source.read(max(size, 1 << 16) if size > 0 else size)
        self._on_progress(len(data))
        return data


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
