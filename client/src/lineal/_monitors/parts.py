"""Profiles on their way: a file each, kept until the server has answered. Its id is chosen once and stays with its bytes.

SPOOL/<origin>/<project>/monitors/<name@environment>/<writer>/    0700
    lock          held by the living process
    <id>.part     a frame as in `_spool`; ids sort by time
    refused/      what the server will never take, with its reasons
"""

import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

from lineal import _ids, _spool
from lineal._spool import FRAME_HEAD, REFUSED, Budget, SpoolFull, hold_folder

SCHEMA = 1
MONITORS = "monitors"
SUFFIX = ".part"
HELD_BYTES = 16 << 20  # of parts that no disk takes: some hundred


class Origin(NamedTuple):
    """Where the parts of a folder belong."""

    base_url: str
    project: str
    name: str


@dataclass(frozen=True)
class Part:
    """What one request carries. `start` and `end` are seconds since 1970."""

    id: str
    monitor: str
    start: int
    end: int
    rows: int
    profile: bytes

    def body(self) -> dict[str, Any]:
        """As the wire has it."""
        return {
            "part": self.id,
            "start": written(self.start),
            "end": written(self.end),
            "profile": b64encode(self.profile).decode(),
        }

    def to_bytes(self) -> bytes:
        """As it is on disk."""
        import msgspec

        return _spool.frame(msgspec.msgpack.encode({"schema": SCHEMA, **vars(self)}))


def written(seconds: int) -> str:
    """A moment as the wire has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def new_id() -> str:
    """A UUID that sorts by time."""
    return str(UUID(_ids.uuid7_hex()))


class DamagedPart(Exception):
    """A file that is no part, or one of a newer client."""


def read_part(path: Path) -> Part:
    """Raises DamagedPart; OSError when it cannot be read."""
    import msgspec

    data = path.read_bytes()
    payload = data[FRAME_HEAD.size :]
    if _spool.frame(payload) != data:
        raise DamagedPart("the file was changed or cut off: its checksum is not the one it begins with")
    found = msgspec.msgpack.decode(payload)
    if found.pop("schema") != SCHEMA:
        raise DamagedPart("a newer lineal wrote it")
    return Part(**found)


def folder_of(root: Path, origin: Origin, writer: str) -> Path:
    """A writer's folder."""
    names = (quote(part, safe="") for part in (origin.base_url, origin.project))
    return root.joinpath(*names, MONITORS, quote(origin.name, safe="@"), writer)


def origin_of(folder: Path) -> Origin:
    """What the names of the folders tell."""
    name, project, base_url = folder.parent, folder.parents[2], folder.parents[3]
    return Origin(unquote(base_url.name), unquote(project.name), unquote(name.name))


def part_files(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def put_aside(path: Path, reason: str) -> Path:
    """Keep what will never be taken, with the reason; where. Raises OSError."""
    folder = path.parent / REFUSED
    folder.mkdir(mode=0o700, exist_ok=True)
    place = folder / path.name
    path.replace(place)
    place.with_suffix(".txt").write_text(f"{reason}\n", encoding="utf-8")
    return place


def remove_folder(folder: Path) -> None:
    """Take a folder away in which no part waits, and those above it that are empty then; refused parts stay."""
    if part_files(folder) or any((folder / REFUSED).glob("*")):
        return
    try:
        for leftover in folder.glob("*"):
            if leftover.is_dir():
                leftover.rmdir()
            else:
                leftover.unlink(missing_ok=True)
        for empty in [folder, *list(folder.parents)[:4]]:
            empty.rmdir()
    except OSError:  # another writer's folder is in there, or the system keeps an open lock
        return


@dataclass
class Waiting:
    """A part in line. On disk, or in memory where no disk takes it."""

    number: int
    monitor: str
    rows: int
    path: Path | None
    part: Part | None = None

    def read(self) -> Part:
        """Raises DamagedPart, OSError."""
        if self.part is not None:
            return self.part
        assert self.path is not None  # noqa: S101 - it has one or the other
        return read_part(self.path)


class PartsInLine:
    """The parts that one process has made and the server has not confirmed. Thread-safe.

    Its folder is made when there is something to put into it.
    """

    def __init__(self, root: Path, origin: Origin, writer: str) -> None:
        self.root = root
        self.folder = folder_of(root, origin, writer)
        self._lock = threading.RLock()
        self._line: list[Waiting] = []
        self._budget = Budget(root)
        self._handle: int | None = None
        self._is_open = False
        self.made = 0

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Waiting]:
        """A copy, oldest first."""
        with self._lock:
            return iter(list(self._line))

    @property
    def oldest(self) -> int:
        """Number of the oldest; one beyond the last where none waits."""
        with self._lock:
            return self._line[0].number if self._line else self.made + 1

    def keep(self, part: Part) -> str:
        """Put it at the end of the line; why it is not on disk, if it is not.

        Raises:
            SpoolFull: neither disk nor memory takes it.
        """
        with self._lock:
            path, trouble = self._written(part)
            if trouble and len(part.profile) + self._held_bytes() > HELD_BYTES:
                raise SpoolFull(trouble)
            self.made += 1
            self._line.append(Waiting(self.made, part.monitor, part.rows, path, None if path is not None else part))
            return trouble

    def _held_bytes(self) -> int:
        return sum(len(each.part.profile) for each in self._line if each.part is not None)

    def _written(self, part: Part) -> tuple[Path | None, str]:
        data = part.to_bytes()
        path = self.folder / f"{part.id}{SUFFIX}"
        try:
            self._budget.check(len(data))
            self._open()
            _write(path, data)
        except (OSError, SpoolFull) as exc:
            return None, f"the spool {self.root} does not take it: {exc}"
        self._budget.add(len(data))
        return path, ""

    def _open(self) -> None:
        if not self._is_open:
            self._handle = hold_folder(self.folder)
            self._is_open = True

    def remove(self, waiting: Waiting) -> None:
        """The server has it."""
        with self._lock:
            self._line.remove(waiting)
            if waiting.path is not None and waiting.path.exists():
                self._budget.add(-waiting.path.stat().st_size)
                waiting.path.unlink(missing_ok=True)

    def put_aside(self, waiting: Waiting, reason: str) -> str:
        """The server will never take it; where it is kept."""
        with self._lock:
            self._line.remove(waiting)
            if waiting.path is None or not waiting.path.exists():
                return "nowhere"
            return str(put_aside(waiting.path, reason))

    def close(self) -> None:
        """Unlock what waits for `lineal sync`; take the folder away where nothing does."""
        with self._lock:
            if not self._is_open:
                return
            remove_folder(self.folder)
            self._let_go()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's lock, which stays the parent's."""
        self._let_go()

    def _let_go(self) -> None:
        self._is_open = False
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, onto the disk itself. Raises OSError."""
    temporary = path.with_suffix(".new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
