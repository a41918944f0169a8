"""A lock file that ends with the process which holds it, however that ends: how `lineal sync` tells dead jobs from living ones."""

import errno
import os
import sys
from pathlib import Path

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


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
