"""Spooled records, sent in order and confirmed: what a running job's sender and `lineal sync` have in common."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lineal import _spool
from lineal._aside import Aside
from lineal._errors import Conflict, Invalid, LinealError, Malformed, ProblemError, ServerKeyChanged, TooLarge
from lineal._http import Response, Transport, retry_after_s
from lineal._joining import joined, unreadable
from lineal._notices import Notices
from lineal._spool_reader import Reader, Record
from lineal._uploads import LARGEST_GROUP, Uploader, Waiting

logger = logging.getLogger("lineal")

BATCH_TYPE = "application/x-msgpack"
UNKNOWN_RUN = "/run-not-found"
RECREATE_HINT = "if it was restored from a backup from before this run, `lineal sync --recreate` begins the run anew"
_SEND_AGAIN = (408, 425, 429)


class Postponed(Exception):
    """The server cannot take it now; `after_s` is how long it asked to wait, where it did."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Stopped(Exception):
    """The server will not take anything of this run as things are; what is unconfirmed stays in the spool."""


@dataclass
class Sent:
    """What one delivery has done so far. `refused` are sentences."""

    records: int = 0
    batches: int = 0
    files: int = 0
    refused: list[str] = field(default_factory=list)
    finished: bool = False


class Delivery:
    """Sends the records of one writer's folder. One thread at a time.

    `leftover`: the writer's process is dead, so whatever the run became since then stands: it is not brought back to running, nor ended
    by an end from before its latest one. `on_freed` hears how many bytes of the spool were removed, `on_uploaded` how many bytes of files
    went out.
    """

    def __init__(
        self,
        folder: Path,
        transport: Transport,
        notices: Notices,
        *,
        leftover: bool = False,
        on_freed: Callable[[int], None] = lambda _: None,
        on_uploaded: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.acked = _spool.read_acked(folder)
        self._confirmed = self.acked  # the most that any server has confirmed: files up to there may be cleared away
        self._aside = Aside(folder, notices)
        self.sent = Sent(refused=self._aside.sentences)
        self.reader = Reader(folder, after=self.acked)
        self._transport = transport
        self._notices = notices
        self._leftover = leftover
        self._on_freed = on_freed
        self._on_uploaded = on_uploaded
        self._uploader: Uploader | None = None
        self._files: dict[int, Waiting] = {}  # read, not confirmed yet, by number
        self._parts: list[Record] = []  # likewise: batches of one sequence number, which are one request

    def step(self, end: _spool.End | None = None) -> bool:
        """Send and confirm the next record, or the next group of files; False when nothing is left up to `end`.

        Raises:
            Postponed: now is no time; the same step again goes on.
            Stopped: it is no use trying again.
            OSError: the spool cannot be read.
        """
        record = self.reader.peek(end)
        if record is None and not self._files and not self._parts:
            return False
        if self._files or (not self._parts and record is not None and record.kind == "artifact"):
            explained(lambda: self._send_files(end))
        elif self._parts or (record is not None and record.kind == "batch"):
            explained(lambda: self._send_batch(end))
        elif record is not None:
            explained(lambda: self._send(record))
        return True

    def end_killed(self, ended_at: datetime) -> bool:
        """End the run of a process that died without ending it, if nobody else did. False, as `step` when done. Raises as `step`."""
        explained(
            lambda: self._end_killed({"status": "killed", "ended_at": ended_at.isoformat().replace("+00:00", "Z")})
        )
        return False

    def _end_killed(self, body: dict[str, Any]) -> None:
        if self._found()["status"] == "running":
            self._finish(body)

    def begin_again(self) -> bool:
        """Go back to the first record, for a server that has lost the run; False where the run's beginning is not on disk any more.

        What was confirmed before is sent once more, and is a repeat to a server that has it after all.
        """
        self.reader.restart()
        first = self.reader.peek()
        if first is None or first.kind != "create":
            return False
        self.acked, self._files, self._parts = 0, {}, []
        return True

    def close(self) -> None:
        self.reader.close()

    def _create(self, record: Record) -> None:
        found = self._asked("/runs", json=record.fields["body"])
        if record.fields.get("resume") and found.get("status") != "running" and not self._leftover:
            self._post(f"/runs/{self._run}/resume")

    def _found(self) -> dict[str, Any]:
        """The run as the server has it. Raises LinealError."""
        params = {"project": self.reader.header.project}
        found = self._transport.request("GET", f"/runs/{self._run}", params=params).json()
        if not isinstance(found, dict) or not isinstance(found.get("status"), str):
            raise LinealError(f"the answer to GET /runs/{self._run} is none of Lineal's: {found!r:.80}")
        return found

    def _was_ended_since(self, body: dict[str, Any]) -> bool:
        """By another process, that had taken the run up again: its clock is the user's as well."""
        found = self._found()
        known, told = _moment(found.get("client_ended_at")), _moment(body.get("ended_at"))
        return found["status"] != "running" and known is not None and told is not None and known > told

    def _finish(self, body: dict[str, Any]) -> None:
        self._post(f"/runs/{self._run}/finish", json=body)

    def _send(self, record: Record) -> None:
        """A record that is a request of its own."""
        if record.number <= self.acked:
            pass  # passed again on the way from an earlier batch that the server asked for
        elif record.kind == "create":
            self._create(record)
        elif record.kind == "finish":
            if not (self._leftover and self._was_ended_since(record.fields["body"])):
                self._finish(record.fields["body"])
            self.sent.finished = True
        else:
            raise Stopped(f"{self.folder} holds a record of an unknown kind, {record.kind!r}")
        self.reader.advance()
        self._confirm(record.number)

    @property
    def _run(self) -> str:
        return self.reader.header.run

    def _post(self, path: str, **options: Any) -> Response:
        """Everything here may be sent twice: the server knows repeats by their id or number."""
        params = {"project": self.reader.header.project}
        return self._transport.request("POST", path, params=params, repeatable=True, **options)

    def _asked(self, path: str, **options: Any) -> dict[str, Any]:
        """The document that answers a `_post`. Raises LinealError: something other than Lineal gave it."""
        found = self._post(path, **options).json()
        if not isinstance(found, dict):
            raise LinealError(f"the answer to POST {path} is none of Lineal's: {found!r:.80}")
        return found

    def _send_batch(self, end: _spool.End | None) -> None:
        self._read_parts(end)
        sequence, last = self._parts[0].fields["sequence"], self._parts[-1].number
        body = self._joined_parts(sequence)
        try:
            self._post_batch(body)
        except Conflict as exc:
            expected = exc.extra.get("expected")
            if not exc.type.endswith("/sequence-gap") or not isinstance(expected, int):
                raise
            self._close_gap(expected, sequence)
            return
        except (Malformed, Invalid, TooLarge) as exc:
            self._put_aside(last, sequence, body, str(exc))
            self._post_batch(self._empty_batch(sequence))
        self._parts = []
        self.sent.batches += 1
        self._confirm(last)

    def _read_parts(self, end: _spool.End | None) -> None:
        """All parts of the next batch. A living writer's `end` is never in the middle of one."""
        while (record := self.reader.peek(end)) is not None and record.kind == "batch":
            if self._parts and record.fields["sequence"] != self._parts[0].fields["sequence"]:
                return
            self._parts.append(record)
            self.reader.advance()

    def _post_batch(self, body: bytes) -> None:
        answer = self._asked(f"/runs/{self._run}/batches", body=body, content_type=BATCH_TYPE)
        for item in answer.get("rejected") or []:
            kind, key = item.get("kind"), item.get("key")
            self._notices.warn_once(
                f"rejected {kind}",
                f"run {self._run}: the server did not take {kind} {key!r}: {item.get('detail')}"
                " (said once for each kind; the rest is stored)",
            )

    def _close_gap(self, expected: int, sequence: int) -> None:
        """Go back to the batch that the server misses; an empty one takes the place of one that is not on disk any more."""
        if expected >= sequence:
            raise Stopped(f"the server expects batch {expected} of run {self._run}, which comes after {sequence}")
        if self.reader.rewind(expected):
            self._parts = []
            return
        self._notices.warn_once(
            "gap",
            f"run {self._run}: batch {expected} is neither on the server nor in the spool {self.folder}: its values are lost",
        )
        self._post_batch(self._empty_batch(expected))

    def _empty_batch(self, sequence: int) -> bytes:
        import msgspec

        return msgspec.msgpack.encode({"writer": self.reader.header.writer, "sequence": sequence})

    def _joined_parts(self, sequence: int) -> bytes:
        """One body of all parts, except those that are none: these are put aside."""
        bodies = []
        for part in self._parts:
            reason = unreadable(part.fields["body"]) if len(self._parts) > 1 else ""
            if reason:
                self._put_aside(part.number, sequence, part.fields["body"], reason)
            else:
                bodies.append(part.fields["body"])
        return joined(bodies) if bodies else self._empty_batch(sequence)

    def _put_aside(self, number: int, sequence: int, body: bytes, reason: str) -> None:
        self._aside.put_batch(number, body, f"batch {sequence} of run {self._run}", reason)

    def _send_files(self, end: _spool.End | None) -> None:
        self._read_files(end)
        if not self._files:
            return
        files = list(self._files.values())
        self._uploader = self._uploader or Uploader(
            self._transport, project=self.reader.header.project, run=self._run, on_progress=self._on_uploaded
        )
        try:
            refused = self._uploader.send(files)
        except OSError as exc:
            raise Postponed(f"a file of the spool {self.folder} cannot be read: {exc}") from exc
        for each in refused:
            self._aside.put_file(each, self._run)
        self.sent.files += len(files) - len(refused)
        self._confirm(max(self._files))
        self._files = {}
        for file in files:
            self._remove(file)

    def _read_files(self, end: _spool.End | None) -> None:
        """The files that come next, each path once. They are kept until confirmed, since the reader goes past them."""
        paths = {file.path for file in self._files.values()}
        while len(self._files) < LARGEST_GROUP and (record := self.reader.peek(end)) is not None:
            fields = record.fields
            if record.kind != "artifact" or fields["path"] in paths:
                return
            source = self.folder / _spool.FILES / fields["file"]
            if record.number > self.acked and record.number <= self._confirmed and not source.exists():
                self._aside.tell_gone(fields["path"], self._run)
            elif record.number > self.acked:
                self._files[record.number] = Waiting(fields["path"], fields["size"], fields["sha256"], source)
                paths.add(fields["path"])
            self.reader.advance()

    def _remove(self, file: Waiting) -> None:
        if file.source.exists():
            file.source.unlink()
            self._on_freed(file.size)

    def _confirm(self, number: int) -> None:
        if number <= self.acked:
            return
        self.sent.records += number - self.acked
        self.acked = number
        self._confirmed = max(self._confirmed, number)
        try:
            _spool.write_acked(self.folder, number)
            self._on_freed(self.reader.drop_read_segments(number))
        except OSError as exc:  # a full disk: confirmed records would be sent again, and known again
            logger.debug("the position in %s is not kept: %s", self.folder, exc)


def _moment(said: object) -> datetime | None:
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def explained(send: Callable[[], None]) -> None:
    """Send, and say of what goes wrong whether waiting can help. Raises Postponed, Stopped, OSError."""
    try:
        send()
    except ServerKeyChanged as exc:
        raise Stopped(str(exc)) from exc
    except ProblemError as exc:
        raise _judged(exc) from exc
    except LinealError as exc:  # no answer, or one that Lineal did not give
        raise Postponed(str(exc)) from exc


def _judged(exc: ProblemError) -> Postponed | Stopped:
    if exc.status >= 500 or exc.status in _SEND_AGAIN:
        return Postponed(str(exc), retry_after_s(exc))
    hint = f"; {RECREATE_HINT}" if exc.type.endswith(UNKNOWN_RUN) else ""
    return Stopped(f"{exc} [HTTP {exc.status}]{hint}")


def is_of_unknown_run(exc: Stopped) -> bool:
    """Did it stop because the server does not know the run?"""
    return isinstance(exc.__cause__, ProblemError) and exc.__cause__.type.endswith(UNKNOWN_RUN)


def remove_folder(folder: Path) -> None:
    """Take a delivered writer's folder away, and the folders above it that are empty then; refused things stay."""
    if any((folder / _spool.REFUSED).glob("*")):
        for number in _spool.segment_numbers(folder):
            _spool.segment_path(folder, number).unlink(missing_ok=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    for above in list(folder.parents)[:3]:
        try:
            above.rmdir()
        except OSError:
            return
