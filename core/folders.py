"""Folders that others may not read, and entries in them that survive a power cut."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def make_private(folder: Path) -> None:
    """`folder` and those of its parents that are missing, closed to others (mkdir gives parents the umask's mode)."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_once(path: Path, make: Callable[[], bytes], *, mode: int = 0o600) -> None:
    """Have what `make` gives in a new file, in a private folder: whole, on the disk and of that mode, or not at all. A file that
    is there, or that somebody else makes meanwhile, is kept; so read what it holds afterwards. `make` is called only where
    there is none.

    Raises:
        OSError: as when the disk is full. Nothing is left of it.
    """
    if path.exists():
        return
    make_private(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.link(draft, path)
        fsync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def fsync_folder(folder: Path) -> None:
    """Put the names that `folder` holds onto the disk; the files themselves are not its business."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
