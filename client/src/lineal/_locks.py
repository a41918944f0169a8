"""A lock file that ends with the process which holds it, however that ends: how `lineal sync` tells dead jobs from living ones."""

import contextlib
import errno
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK)


def take(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None while another process holds it, or if the file was just removed.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(handle)
        same = os.path.samestat(
            os.fstat(handle), path.stat()
        )  # not of a file that a finishing process unlinked meanwhile
    except FileNotFoundError:
        same = False
    except OSError as exc:
        os.close(handle)
        if exc.errno in _TAKEN:
            return None
        raise
    if not same:
        os.close(handle)
        return None
    return handle


def sign(path: Path) -> None:
    """Where a file system has no locks: write down which process would hold this one."""
    with contextlib.suppress(OSError):  # then `lineal sync` leaves the folder alone
        path.write_text(json.dumps(_self()))


def why_not_dead(path: Path) -> str:
    """Why the process that signed may be alive, in words; empty where it is known to be dead."""
    try:
        signed = json.loads(path.read_text())
        pid, where = int(signed["pid"]), {name: str(signed[name]) for name in ("host", "boot")}
        namespace = str(signed.get("namespace", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "its file system has no locks, and nothing tells which process wrote it"
    here = _self()
    if where["host"] != here["host"]:
        return f"its file system has no locks, and process {pid} of {where['host']} may still write: run `lineal sync` there"
    if not (where["boot"] and here["boot"]):
        return f"its file system has no locks, and nothing tells whether {where['host']} was started anew since process {pid} wrote it"
    if where["boot"] != here["boot"]:
        return ""
    if namespace != here["namespace"]:  # numbers of another container's processes mean nothing here
        return f"its file system has no locks, and process {pid} of another container may still write: run `lineal sync` in it"
    return f"process {pid} still runs and sends by itself" if _may_live(pid) else ""


def _self() -> dict[str, Any]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return {"host": platform.node(), "boot": boot, "namespace": namespace, "pid": os.getpid()}


def _may_live(pid: int) -> bool:
    """Windows is not asked: there `os.kill` ends the process, whatever the signal."""
    if sys.platform == "win32" or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
