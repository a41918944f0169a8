"""Files brought here, each checked against its digest before it gets its name."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lineal._blocks import BLOCK_BYTES, fetch_blocks
from lineal._errors import DigestMismatch, LinealError, ServerUnreachable, StorageUnreachable
from lineal._http import Transport, backoff_s
from lineal._parallel import in_parallel

ATTEMPTS = 5
THREADS = 8  # files side by side
LARGE_BYTES = 4 * BLOCK_BYTES  # from here on a file is read in blocks, side by side, where the storage can be reached


class Wish(NamedTuple):
    """A file to bring: the route and parameters of its content, what it has to be, where it goes, a link to its bytes if there is one."""

    where: str
    params: Mapping[str, Any]
    sha256: str
    size: int
    destination: Path
    link: str | None = None


def fetch_all(transport: Transport, wishes: Iterable[Wish], on_done: Callable[[Wish], None] = lambda _: None) -> None:
    """Bring them: small ones side by side, large ones one after the other. Raises as `fetch`."""
    wishes = list(wishes)

    def bring(wish: Wish) -> None:
        fetch(transport, wish)
        on_done(wish)

    in_parallel(bring, [wish for wish in wishes if wish.size < LARGE_BYTES], THREADS)
    for wish in wishes:
        if wish.size >= LARGE_BYTES:
            bring(wish)


def fetch(transport: Transport, wish: Wish) -> None:
    """Download to its destination, which appears only once its bytes are the right ones. A broken download goes on where it stopped.

    Raises:
        DigestMismatch: other bytes arrived; nothing is kept.
        ServerUnreachable: it broke off too often; the part that came stays, named for the digest, and the next call goes on from there.
        LinealError: as the server says.
    """
    wish.destination.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(wish)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(transport, wish, part)
            break
        except ServerUnreachable:
            if attempt == ATTEMPTS:
                raise
        time.sleep(backoff_s(attempt, 5.0))
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wish.sha256:
        part.unlink()
        raise DigestMismatch(
            f"{wish.destination.name} arrived as sha256 {found}, not {wish.sha256}; nothing is kept of it"
        )
    part.replace(wish.destination)


def part_of(wish: Wish) -> Path:
    """Where its bytes wait until all have come: what came of another version of the file has another name."""
    name = wish.destination.name.encode()[:150].decode(errors="ignore")  # file systems take 255 bytes
    return wish.destination.with_name(f"{name}.{wish.sha256[:16]}.part")


def _fetch_rest(transport: Transport, wish: Wish, part: Path) -> None:
    if wish.size >= LARGE_BYTES:
        known = (
            None if transport.goes_around else wish.link
        )  # one that has expired is asked for anew, by the first block that finds it
        link = known or transport.find_link(wish.where, params=wish.params)
        if link is not None and _fetched_in_blocks(transport, wish, link, part):
            return
    have = part.stat().st_size if part.exists() else 0
    if have > wish.size:
        part.unlink()
        have = 0
    if have == wish.size and part.exists():
        return
    if wish.link and not have and not transport.goes_around and _fetched_by_link(transport, wish.link, part, wish.size):
        return
    with (
        transport.download(wish.where, params=wish.params, offset=have) as pieces,
        part.open("ab" if have else "wb") as file,
    ):
        _write(pieces, file)
    if part.stat().st_size < wish.size:
        raise ServerUnreachable(
            f"the download of {wish.destination.name} ended at {part.stat().st_size} of {wish.size} bytes"
        )


def _fetched_in_blocks(transport: Transport, wish: Wish, link: str, part: Path) -> bool:
    """False where no connection leads to the storage: what came is at the beginning of `part`, and the server has the rest."""
    try:
        fetch_blocks(
            transport,
            link,
            lambda: transport.find_link(wish.where, params=wish.params),
            part=part,
            size=wish.size,
            sha256=wish.sha256,
        )
    except StorageUnreachable as exc:
        transport.go_around(exc)
        return False
    return True


def _fetched_by_link(transport: Transport, link: str, part: Path, size: int) -> bool:
    """False where the link did not lead to the whole file, as when it has expired: the server is asked then."""
    try:
        with transport.fetch(link) as response:
            if response.status != 200:
                return False
            with part.open("wb") as file:
                _write(transport.pieces(response), file)
    except StorageUnreachable as exc:
        transport.go_around(exc)
        return False
    return part.stat().st_size == size


def _write(pieces: Iterator[bytes], file: Any) -> None:
    for piece in pieces:
        file.write(piece)


def below(folder: Path, recorded: str) -> Path:
    """Where a recorded path goes in `folder`.

    Raises:
        LinealError: it would lead out of it.
    """
    pure = PurePosixPath(recorded)
    if pure.is_absolute() or ".." in pure.parts or "\\" in recorded or "\0" in recorded or not pure.parts:
        raise LinealError(f"refusing to write {recorded!r}: the path leaves the folder")
    return folder / pure
