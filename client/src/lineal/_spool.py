"""The writing half of the spool: append-only segments of one writer, kept until the server has confirmed what they hold.

    SPOOL/<origin>/<project>/<run>/<writer>/    0700
        lock          held by the living process
        00000001.seg  frames: u32 length, u32 CRC-32 (both little-endian), MessagePack payload; the first is the header
        acked.json    number of the last confirmed record
        files/        copies of artifacts that wait
        refused/      what the server will never take

Header: `{"schema", "base_url", "project", "run", "writer", "experiment", "owner", "first", "sequence"}`. Records: `{"n", "kind", …}`,
numbered from 1 without gaps; kinds are create (body, resume), batch (sequence, body), artifact (path, size, sha256, file) and finish
(body). Batches that follow one another under one sequence number are parts of one request: values are spooled more often than sent.
"""

import contextlib
import json
import logging
import os
import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lineal import _locks, _settings

logger = logging.getLogger("lineal")

SCHEMA = 1
SEGMENT_BYTES = 8 << 20
FRAME_HEAD = struct.Struct("<II")
LARGEST_FRAME = 64 << 20  # to readers, a length beyond it is damage
MEASURE_EVERY_S = 5.0  # how often other processes' share of the disk budget is looked at
LOCK_ATTEMPTS = 100
FILES = "files"
REFUSED = "refused"


class SpoolFull(Exception):
    """A record was not kept: the disk, or the part of it that spools may use, is full."""


class RecordTooLarge(ValueError):
    """No reader would take this record for one."""


class End(NamedTuple):
    """Where the last whole frame ends: number of its segment, and offset in it."""

    segment: int
    offset: int


class Header(NamedTuple):
    """Whose records these are. `base_url` is empty when no server was configured; `owner`: this writer started the run."""

    base_url: str
    project: str
    run: str
    writer: str
    experiment: str
    owner: bool


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.seg"


def segment_numbers(folder: Path) -> list[int]:
    """Of all segments in a writer's folder, ascending."""
    return sorted(int(path.stem) for path in folder.glob("*.seg") if path.stem.isdigit())


def frame(payload: bytes) -> bytes:
    return FRAME_HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def writer_folder(root: Path, header: Header) -> Path:
    origin = quote(header.base_url, safe="") or "unassigned"
    return root / origin / quote(header.project, safe="") / header.run / header.writer


def hold_folder(folder: Path) -> int | None:
    """Make a writer's folder and hold its lock; None where there are no locks. `lineal sync` may hold it for a moment, to clear it away.

    Raises:
        OSError: it cannot be made, or another process holds it.
    """
    for _ in range(LOCK_ATTEMPTS):
        _make_folder(folder)
        try:
            handle = _locks.take(folder / "lock")
        except FileNotFoundError:
            continue
        except OSError as exc:
            logger.debug("%s has no locks: %s", folder, exc)
            _locks.sign(folder / "lock")
            return None
        if handle is not None:
            return handle
        time.sleep(0.01)
    raise OSError(f"another process holds the spool {folder}")


def _make_folder(wanted: Path) -> None:
    missing = [wanted]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):  # one by one, since the mode given to mkdir is for the last one only
        folder.mkdir(mode=0o700, exist_ok=True)


class Spool:
    """One writer's stream of records. Not thread-safe: its caller holds a lock.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, header: Header, *, root: Path | None = None) -> None:
        self.root = root or _settings.spool_dir()
        self.header = header
        self.folder = writer_folder(self.root, header)
        self.last_number = 0
        self.last_sequence = 0
        self._budget = Budget(self.root)
        self._handle: int | None = None
        self._lock_handle = hold_folder(self.folder)
        self._segment = 0
        self._named = 0
        self._told_unsynced = False
        self._offset = 0

    @property
    def end(self) -> End:
        return End(self._segment, self._offset)

    def append(self, kind: str, **fields: Any) -> int:
        """Write one record; its number. A failed write leaves nothing behind.

        Raises:
            SpoolFull: no room; the record has no number and no sequence.
            RecordTooLarge: likewise.
            TypeError, ValueError, OverflowError: there is something in it that MessagePack does not know, or text that is no Unicode.
        """
        import msgspec

        number = self.last_number + 1
        payload = msgspec.msgpack.encode({"n": number, "kind": kind, **fields})
        if len(payload) > LARGEST_FRAME:
            raise RecordTooLarge(f"{len(payload)} bytes are more than the {LARGEST_FRAME} of the largest record")
        data = frame(payload)
        if kind != "finish":  # a few bytes, without which `lineal sync` would end the run as killed
            self._budget.check(len(data))
        if self._handle is None or self._offset + len(data) > SEGMENT_BYTES:
            self._open_segment()
        self._write(data)
        self.last_number = number
        self.last_sequence = fields.get("sequence", self.last_sequence)
        return number

    def new_file(self) -> Path:
        """Where a copy of an artifact may be written; its name goes into the record. Raises OSError."""
        folder = self.folder / FILES
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / uuid.uuid4().hex

    def reserve(self, size_bytes: int) -> None:
        """Count an artifact's copy in.

        Raises:
            SpoolFull: it does not fit.
        """
        self._budget.check(size_bytes)
        self._budget.add(size_bytes)

    def release(self, size_bytes: int) -> None:
        """Count back what has left the disk."""
        self._budget.add(-size_bytes)

    def sync(self) -> None:
        """Onto the disk itself: what was appended survives a power cut."""
        if self._handle is None:
            return
        try:
            os.fsync(self._handle)
            if self._named < self._segment:  # a file whose name is not on the disk is none either
                for folder in (self.folder, *list(self.folder.parents)[:4]):
                    _sync_folder(folder)
                self._named = self._segment
        except OSError as exc:
            if not self._told_unsynced:  # some file systems know it of no folder, at no flush
                self._told_unsynced = True
                logger.warning("the spool %s may lose its end in a power cut: %s", self.folder, exc)

    def close(self) -> None:
        """Close and unlock; what is unconfirmed stays for `lineal sync`."""
        self._close_segment()
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def abandon(self) -> None:
        """In a forked child: let go of the parent's descriptors, writing and unlocking nothing."""
        for handle in (self._handle, self._lock_handle):
            if handle is not None:
                os.close(handle)
        self._handle = self._lock_handle = None

    def _open_segment(self) -> None:
        import msgspec

        self._close_segment()
        number = self._segment + 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        places = {"first": self.last_number + 1, "sequence": self.last_sequence}
        try:
            self._handle = os.open(segment_path(self.folder, number), flags, 0o600)
        except OSError as exc:
            raise SpoolFull(f"the spool {self.folder} cannot be written: {exc.strerror}") from exc
        before = self._segment, self._offset
        self._segment, self._offset = number, 0
        try:
            self._write(frame(msgspec.msgpack.encode({"schema": SCHEMA, **self.header._asdict(), **places})))
        except SpoolFull:
            self._close_segment()
            with contextlib.suppress(OSError):  # then the next segment gets another number
                segment_path(self.folder, number).unlink(missing_ok=True)
                self._segment, self._offset = before
            raise

    def _close_segment(self) -> None:
        if self._handle is None:
            return
        self.sync()
        handle, self._handle = self._handle, None
        try:
            os.close(handle)
        except OSError as exc:  # where a file system of the network tells of a full disk
            logger.warning("the spool %s may lack what was written last: %s", self.folder, exc)

    def _write(self, data: bytes) -> None:
        assert self._handle is not None  # noqa: S101 - a typing aid: callers open a segment first
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as exc:
            self._cut()
            raise SpoolFull(f"the spool {self.folder} cannot be written: {exc.strerror}") from exc
        self._offset += len(data)
        self._budget.add(len(data))

    def _cut(self) -> None:
        """Take a half-written frame back; where even that fails, the segment ends here and readers cut it."""
        assert self._handle is not None  # noqa: S101 - as above
        try:
            os.ftruncate(self._handle, self._offset)
        except OSError:
            self._close_segment()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Budget:
    """How much of `LINEAL_SPOOL_MAX_BYTES` is used: measured now and then, counted in between."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._limit = _settings.spool_max_bytes()
        self._used = 0
        self._measured_at = float("-inf")
        self._pause_s = MEASURE_EVERY_S / 50

    def check(self, more: int) -> None:
        """Raises SpoolFull."""
        if self._used + more > self._limit or time.monotonic() - self._measured_at > MEASURE_EVERY_S + self._pause_s:
            self._measure()
        if self._used + more > self._limit:
            raise SpoolFull(
                f"the spool {self._root} holds {self._used} of the {self._limit} bytes that it may (LINEAL_SPOOL_MAX_BYTES)"
            )

    def add(self, count: int) -> None:
        self._used += count

    def _measure(self) -> None:
        begun = time.monotonic()
        if begun - self._measured_at < self._pause_s:
            return
        self._used = sum(sizes_below(self._root))
        self._measured_at = time.monotonic()
        self._pause_s = max(
            MEASURE_EVERY_S / 50, 20 * (self._measured_at - begun)
        )  # a shared folder of many jobs takes its time


def sizes_below(root: Path) -> Iterator[int]:
    """Bytes of each file below `root`; files that vanish meanwhile count nothing."""
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                yield Path(folder, name).stat().st_size
            except OSError:
                continue


def read_acked(folder: Path) -> int:
    """Number of the last confirmed record; 0 where nothing is known: to send again is safe."""
    try:
        found = json.loads((folder / "acked.json").read_text())["acked"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return found if isinstance(found, int) else 0


def write_acked(folder: Path, number: int) -> None:
    """Replace the position in one step. Raises OSError."""
    temporary = folder / "acked.json.new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"acked": number}, file)
    temporary.replace(folder / "acked.json")
