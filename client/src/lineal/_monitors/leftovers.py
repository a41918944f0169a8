"""Parts that dead processes left on disk, brought to the server by `lineal sync`, or by the next process that monitors the same."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from lineal import _locks
from lineal._delivery import Postponed, Stopped
from lineal._http import Transport
from lineal._monitors.delivery import PartRefused, send
from lineal._monitors.parts import DamagedPart, Part, origin_of, part_files, put_aside, read_part, remove_folder
from lineal._notices import Notices


@dataclass
class Brought:
    """What became of a folder. `closed` holds, by monitor, what the server said no with."""

    parts: int = 0
    refused: list[str] = field(default_factory=list)
    damaged: int = 0
    closed: dict[str, str] = field(default_factory=dict)


def bring(folder: Path, transport: Transport, found: Brought) -> bool:
    """Every part of a folder that is locked by the caller, oldest first. May be done again at any time. False: nothing is left to try.

    Raises:
        Postponed: now is no time; what was brought is gone from the folder.
        OSError: the folder cannot be read.
    """
    for path in part_files(folder):
        try:
            part = read_part(path)
        except DamagedPart as exc:
            found.damaged += 1
            found.refused.append(f"{path.name} is damaged and was put aside as {put_aside(path, str(exc))}: {exc}")
            continue
        if part.monitor not in found.closed:
            _bring_part(path, part, transport, found)
    return False


def _bring_part(path: Path, part: Part, transport: Transport, found: Brought) -> None:
    try:
        send(transport, origin_of(path.parent).project, part)
    except Stopped as exc:
        found.closed[part.monitor] = str(exc)
    except PartRefused as exc:
        place = put_aside(path, str(exc))
        found.refused.append(f"a profile of {part.rows} rows was refused and put aside as {place}: {exc}")
    else:
        found.parts += 1
        path.unlink(missing_ok=True)


def bring_siblings(own: Path, transport: Transport, notices: Notices) -> None:
    """What dead processes left of the same monitor. Trouble is for the next time, and for `lineal sync`."""
    if not own.parent.is_dir():
        return
    for folder in own.parent.iterdir():
        if folder == own or not part_files(folder):
            continue
        found = Brought()
        try:
            handle = _locks.take(folder / "lock")
        except OSError:
            continue
        if handle is None:
            continue
        try:
            bring(folder, transport, found)
            remove_folder(folder)
        except (Postponed, OSError):
            return
        finally:
            os.close(handle)
            for sentence in found.refused:
                notices.warn_once("refused", sentence)
