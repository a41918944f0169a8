"""The home folder: what is asked of it before a process trusts what lies in it."""

import os
import stat
from pathlib import Path

import click

from config.backups import marker
from core.folders import make_private


class CannotStart(click.ClickException):
    """Why a process does not start, in one line; exit code 1."""


def home_folder(given: Path | None) -> Path:
    return (given or Path(os.environ.get("LINEAL_HOME") or ".lineal")).expanduser().resolve()


def prepare_home(given: Path | None) -> Path:
    """The home folder, made if need be, for the machine that owns it.

    Raises:
        CannotStart: it cannot be written, others may write to it (they could plant keys and tokens), or a restore into it
            has not ended.
    """
    folder = home_folder(given)
    try:
        make_private(folder)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        raise CannotStart(
            f"The home folder {folder} cannot be written: {exc.strerror}. Choose another with --home."
        ) from exc
    mode = folder.stat()
    if mode.st_uid != os.getuid():
        raise CannotStart(f"The home folder {folder} belongs to another user. Choose another with --home.")
    if mode.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CannotStart(f"Others may write to the home folder {folder}; close it with: chmod go-w {folder}")
    _refuse_half_restored(folder)
    return folder


def open_home(given: Path | None) -> Path:
    """The home folder of a single process, which may be mounted, shared, read-only, and another's.

    Raises:
        CannotStart: it is not there, anybody may write to it or to its keys, or a restore into it has not ended.
    """
    folder = home_folder(given)
    if not folder.is_dir():
        raise CannotStart(
            f"There is no home folder {folder}. `lineal migrate` makes it; or name another with --home or LINEAL_HOME."
        )
    for each in (folder, folder / "keys"):
        if each.is_dir() and each.stat().st_mode & stat.S_IWOTH:
            raise CannotStart(f"Anybody may write to {each}; close it with: chmod o-w {each}")
    _refuse_half_restored(folder)
    return folder


def _refuse_half_restored(folder: Path) -> None:
    begun = marker.find(folder)
    if begun is not None:
        raise CannotStart(
            f"The restore of the backup {begun.backup} into {folder} has not ended. Give the same `lineal restore` again, "
            "or empty the home and its database."
        )
