"""Files brought here, each checked against its digest before it gets its name."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lineal._errors import DigestMismatch, LinealError, ServerUnreachable
from lineal._http import Transport, backoff_s

ATTEMPTS = 5


def fetch(
    transport: Transport, where: str, params: Mapping[str, Any], *, sha256: str, size: int, destination: Path
) -> None:
    """Download into `destination`, which appears only once its bytes are the right ones. A broken download goes on where it stopped.

    Raises:
        DigestMismatch: other bytes arrived; nothing is kept.
        ServerUnreachable: it broke off too often; the part that came stays as `….part`, and the next call goes on from there.
    """
    import time

    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f"{destination.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(transport, where, params, part, size)
            break
        except ServerUnreachable:
            if attempt == ATTEMPTS:
                raise
        time.sleep(backoff_s(attempt, 5.0))
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        part.unlink()
        raise DigestMismatch(f"{destination.name} arrived as sha256 {found}, not {sha256}; nothing is kept of it")
    part.replace(destination)


def _fetch_rest(transport: Transport, where: str, params: Mapping[str, Any], part: Path, size: int) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    if have == size and part.exists():
        return
    with transport.download(where, params=params, offset=have) as pieces, part.open("ab" if have else "wb") as file:
        for piece in pieces:
            file.write(piece)
    if part.stat().st_size < size:
        raise ServerUnreachable(f"the download of {part.stem} ended at {part.stat().st_size} of {size} bytes")


def below(folder: Path, recorded: str) -> Path:
    """Where a recorded path goes in `folder`.

    Raises:
        LinealError: it would lead out of it.
    """
    pure = PurePosixPath(recorded)
    if pure.is_absolute() or ".." in pure.parts or "\\" in recorded or "\0" in recorded or not pure.parts:
        raise LinealError(f"refusing to write {recorded!r}: the path leaves the folder")
    return folder / pure
