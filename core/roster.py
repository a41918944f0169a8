"""Which processes of this home are alive on this machine: each holds a seat, `web-0`, `worker-0` or the like.

A seat is a locked file, and the lowest free one of a role is taken, so a process that is started again sits where the
one before it sat: what is counted under the name of a seat goes on, and no number of restarts leaves more than a
handful of files. The lock is the kernel's, so whoever dies leaves the seat free, however it dies.

Who works gives a sign of life now and then (`touch`), which `lineal worker --check` and the like look for: a process that
hangs keeps its seat and gives none. Whoever comes where nobody lives begins anew: what the dead left there is forgotten. It
is not sooner, as a count that falls is taken for one that began at zero, and what is left of the sum for new.
"""

import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.folders import make_private

ROLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
MOST_SEATS = 256  # of one role on one machine
SUPERVISOR = "up"  # of `lineal up`: it sets up what the processes that it forks share, and does nothing of theirs
FRESH_S = 60.0  # three times what the slowest of them takes between two signs of life, and then some
GONE_S = 24 * 3_600.0  # a machine that wrote nothing for so long, and holds no seat, has gone for good
_SAID_BYTES = 128  # of a seat's file, always: it is written over in one go, and nobody reads half of it
_DOOR = "door"  # held for the moment in which seats are taken, forgotten or counted
_SEAT = re.compile(r"([a-z][a-z0-9-]*)-(\d+)\.seat")
_held: dict[int, list["_Held"]] = {}  # by process id: a fork has a seat of its own to find


@dataclass(frozen=True, slots=True)
class Member:
    """A living process, or one of the roles of one that has several: `beside` its first, where its counts stand. `since` is a Unix
    time, and so is `seen`, its last sign of life; None before it began to work.
    """

    seat: str
    role: str
    pid: int
    since: float
    seen: float | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class _Held:
    seat: str
    handle: int
    since: float
    beside: bool

    def say(self, seen: float | None) -> None:
        said = json.dumps({"pid": os.getpid(), "since": self.since, "seen": seen, "beside": self.beside}).encode()
        os.pwrite(self.handle, said.ljust(_SAID_BYTES), 0)


def folder(run_folder: Path) -> Path:
    """Of this machine alone: one that several machines share has a folder for each."""
    return run_folder / "processes" / host()


def host() -> str:
    """This machine's name, as a part of file names."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:64] or "host"


def take_seat(role: str, at: Path) -> str:
    """The seat of this process in the folder `at`, taken when first asked for and held until it ends.

    Raises:
        ValueError: no role looks like that.
        OSError: the folder cannot be written, or all seats are taken.
    """
    held = _held.get(os.getpid())
    return held[0].seat if held else _sit(role, at).seat


def sit_beside(role: str, at: Path) -> Callable[[], None]:
    """One more seat for this process, which does the work of that role, too; its counts stay at its first seat. What gives a sign of
    life from the new seat, as `touch` from the first.

    Raises:
        ValueError, OSError: as `take_seat`.
    """
    held = _sit(role, at)

    def touch_beside() -> None:
        with contextlib.suppress(OSError):
            held.say(time.time())

    return touch_beside


def _sit(role: str, at: Path) -> _Held:
    if not ROLE.fullmatch(role):
        raise ValueError(f"LINEAL_PROCESS names a role as 'web' or 'worker', not {role!r}.")
    make_private(at)
    with _door(at):
        if not any(_is_held(path) for path in at.glob("*.seat")):
            _forget(at)
        for number in range(MOST_SEATS):
            seat = f"{role}-{number}"
            handle = _try_lock(at / f"{seat}.seat")
            if handle is not None:
                return _begin(at, seat, handle)
    raise OSError(f"All {MOST_SEATS} seats of '{role}' in {at} are taken.")


def _let_go() -> None:
    """In a fork: the seat is its parent's alone, and is free as soon as that ends."""
    for held in itertools.chain.from_iterable(_held.values()):
        os.close(held.handle)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


def _begin(at: Path, seat: str, handle: int) -> _Held:
    for left in at.glob(f"gauge_*_{seat}.db"):  # what the one before had open died with it; its counts go on
        left.unlink(missing_ok=True)
    mine = _held.setdefault(os.getpid(), [])
    held = _Held(seat, handle, time.time(), beside=bool(mine))
    held.say(None)
    mine.append(held)
    return held


def touch() -> None:
    """A sign of life of this process. Raises nothing: a full disk is no reason to stop working; the check will tell."""
    for held in _held.get(os.getpid(), [])[:1]:
        with contextlib.suppress(OSError):
            held.say(time.time())


def freshest_s(role: str, at: Path) -> float | None:
    """Seconds since the last sign of life of a process of that role; None if none that lives has given one."""
    seen = [member.seen for member in living(at) if member.role == role and member.seen is not None]
    return max(0.0, time.time() - max(seen)) if seen else None


def living(at: Path) -> list[Member]:
    """Who holds a seat in the folder now, by name."""
    if not at.is_dir():
        return []
    with _door(at):
        return sorted((member for path in at.glob("*.seat") if (member := _read(path))), key=lambda member: member.seat)


def _read(path: Path) -> Member | None:
    match = _SEAT.fullmatch(path.name)
    if match is None or not _is_held(path):
        return None
    try:
        said = json.loads(path.read_text())
        seen = said.get("seen")
        return Member(
            path.stem,
            match[1],
            int(said["pid"]),
            float(said["since"]),
            None if seen is None else float(seen),
            beside=bool(said.get("beside")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # somebody else wrote there
        return None


def _is_held(path: Path) -> bool:
    if any(held.seat == path.stem for held in _held.get(os.getpid(), ())):
        return True
    handle = _try_lock(path)
    if handle is None:
        return True
    os.close(handle)
    return False


def _forget(at: Path) -> None:
    """Remove what the dead have left here, and the folders of machines that are gone: a container has a new name each time."""
    for path in (*at.glob("*.db"), *at.glob("*.seat")):
        path.unlink(missing_ok=True)
    for other in at.parent.iterdir():
        if other != at and other.is_dir() and _has_gone(other):
            shutil.rmtree(other, ignore_errors=True)


def _has_gone(other: Path) -> bool:
    """Locks alone do not tell where a file system keeps them to each machine, so what was written has to be old as well."""
    try:
        newest = max(path.stat().st_mtime for path in (other, *other.iterdir()))
        return time.time() - newest > GONE_S and not any(_is_held(path) for path in other.glob("*.seat"))
    except OSError:  # its machine is at work in it
        return False


@contextmanager
def _door(at: Path) -> Iterator[None]:
    """One at a time among those who look or sit down: a seat that is looked at does not seem taken to whoever wants it."""
    handle = os.open(at / _DOOR, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _try_lock(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
