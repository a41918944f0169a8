"""Which processes of this home are alive on this machine: each holds a seat, `web-0`, `worker-0` or the like.

A seat is a locked file, and the lowest free one of a role is taken, so a process that is started again sits where the
one before it sat: what is counted under the name of a seat goes on, and no number of restarts leaves more than a
handful of files. The lock is the kernel's, so whoever dies leaves the seat free, however it dies.
"""

import fcntl
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
MOST_SEATS = 256  # of one role on one machine
_SEAT = re.compile(r"([a-z][a-z0-9-]*)-(\d+)\.seat")
_held: dict[int, "_Held"] = {}  # by process id: a fork has a seat of its own to find


@dataclass(frozen=True, slots=True)
class Member:
    """A living process. `since` is a Unix time."""

    seat: str
    role: str
    pid: int
    since: float


@dataclass(frozen=True, slots=True)
class _Held:
    seat: str
    lock: IO[str]


def folder(run_folder: Path) -> Path:
    """Of this machine alone: one that several machines share has a folder for each."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "host"
    return run_folder / "processes" / host


def take_seat(role: str, at: Path) -> str:
    """The seat of this process in the folder `at`, taken when first asked for and held until it ends.

    Raises:
        ValueError: no role looks like that.
        OSError: the folder cannot be written, or all seats are taken.
    """
    held = _held.get(os.getpid())
    if held is not None:
        return held.seat
    if not ROLE.fullmatch(role):
        raise ValueError(f"LINEAL_PROCESS names a role as 'web' or 'worker', not {role!r}.")
    at.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(MOST_SEATS):
        seat = f"{role}-{number}"
        lock = _try_lock(at / f"{seat}.seat")
        if lock is None:
            continue
        _begin(at, seat, lock)
        return seat
    raise OSError(f"All {MOST_SEATS} seats of '{role}' in {at} are taken.")


def _begin(at: Path, seat: str, lock: IO[str]) -> None:
    for left in at.glob(f"gauge_*_{seat}.db"):  # what the one before had open died with it; its counts go on
        left.unlink(missing_ok=True)
    lock.truncate(0)
    lock.write(json.dumps({"pid": os.getpid(), "since": time.time()}))
    lock.flush()
    _held[os.getpid()] = _Held(seat, lock)


def living(at: Path) -> list[Member]:
    """Who holds a seat in the folder now, by name."""
    return sorted((member for path in at.glob("*.seat") if (member := _read(path))), key=lambda member: member.seat)


def _read(path: Path) -> Member | None:
    match = _SEAT.fullmatch(path.name)
    if match is None or not _is_held(path):
        return None
    try:
        said = json.loads(path.read_text())
        return Member(path.stem, match[1], int(said["pid"]), float(said["since"]))
    except (OSError, ValueError, KeyError, TypeError):  # taken this very moment, and not yet written
        return None


def _is_held(path: Path) -> bool:
    held = _held.get(os.getpid())
    if held is not None and held.seat == path.stem:
        return True
    lock = _try_lock(path)
    if lock is None:
        return True
    lock.close()
    return False


def forget_the_dead(at: Path) -> None:
    """Remove the files of free seats. At a start, so that no count of another release is carried on."""
    for path in at.glob("*.seat"):
        lock = _try_lock(path)
        if lock is not None:
            for left in _files_of(at, path.stem):
                left.unlink(missing_ok=True)
            lock.close()


def _files_of(at: Path, seat: str) -> Iterator[Path]:
    yield from at.glob(f"*_{seat}.db")
    yield at / f"{seat}.seat"


def _try_lock(path: Path) -> IO[str] | None:
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
