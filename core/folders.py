"""Folders that others may not read, and entries in them that survive a power cut."""

import os
from pathlib import Path


def make_private(folder: Path) -> None:
    """`folder` and those of its parents that are missing, closed to others (mkdir gives parents the umask's mode)."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def fsync_folder(folder: Path) -> None:
    """Put the names that `folder` holds onto the disk; the files themselves are not its business."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
