"""Checks of the home folder: that it is there and closed, its keys, and the space that is left."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from config import environment
from config.findings import Finding, fail, ok, shown_size, warn

SMALLEST_FREE = 1024**3  # bytes: a day of a busy team's metrics
LEAST_FREE = 100 * 1024**2  # below it a database may stop in the middle of the night
SECRET_FILES = ("owner.token", "keys/*")
PUBLIC_SUFFIXES = frozenset({".vkey", ".pub"})


def folder(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield fail("home", f"{home} is no folder", "Name the folder that `lineal up --home` was given.")
        return
    mode = home.stat()
    if mode.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield fail("home", f"others may write to {home}, and could plant keys there", f"chmod go-w {home}")
    elif mode.st_uid != os.getuid():
        yield warn("home", f"{home} belongs to another user", "Run this as the user that the server runs as.")
    elif not (home / "keys").is_dir():
        yield fail(
            "home", f"no server has been started on {home}", "Start one: lineal up --home, or name another folder."
        )
    elif not os.access(_nearest(environment.run_folder()), os.W_OK):
        yield fail("home", f"{environment.run_folder()} cannot be written", "Name a folder in LINEAL_RUN_DIR that can.")
    else:
        yield ok("home", str(home))


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def keys(home: Path) -> Iterator[Finding]:
    secret = [path for pattern in SECRET_FILES for path in home.glob(pattern) if path.suffix not in PUBLIC_SUFFIXES]
    opened = [path for path in secret if path.stat().st_mode & 0o077]
    if opened:
        names = ", ".join(str(path.relative_to(home)) for path in opened)
        yield fail(
            "keys", f"others may read {names}", "chmod 600 them; if others were there, rotate: lineal rotate-key."
        )
    else:
        yield ok("keys", f"{len(secret)} files, closed to others")


def disk(home: Path) -> Iterator[Finding]:
    from django.conf import settings  # noqa: PLC0415 - read once the home is known to be one

    places = {"home": home}
    scheme, _, path = settings.BLOBS_URL.partition("://")
    if scheme == "file":
        places["blobs"] = Path(path)
    for name, place in places.items():
        if not place.exists():
            continue
        free = shutil.disk_usage(place).free
        detail, advice = f"{shown_size(free)} free for {name}", "Make room before the disk is full: writes fail then."
        check = f"disk {name}"
        if free < LEAST_FREE:
            yield fail(check, detail, advice)
        else:
            yield warn(check, detail, advice) if free < SMALLEST_FREE else ok(check, detail)
