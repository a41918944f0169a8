"""Files brought here, each checked against its digest before it gets its name."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lineal._blocks import BLOCK_BYTES, fetch_blocks, leave_the_beginning
from lineal._errors import DigestMismatch, LinealError, ServerUnreachable, StorageUnreachable
from lineal._http import Transport, backoff_s
from lineal._parallel import Beside, in_parallel

logger = logging.getLogger("lineal")

ATTEMPTS = 5
THREADS = 8  # files side by side
PACK_FILE_BYTES = 256 << 10  # files up to this size come together, through the server
PACK_BYTES = 4 << 20
PACK_FILES = 250
PACK_THREADS = 4
LARGE_BYTES = 4 * BLOCK_BYTES  # from here on a file is read in blocks, side by side, where the storage can be reached


class Wish(NamedTuple):
    """A file to bring: the route and parameters of its content, what it has to be, where it goes, a link to its bytes if there is one."""

    where: str
    params: Mapping[str, Any]
    sha256: str
    size: int
    destination: Path
    link: str | None = None
    pack: tuple[str, str] | None = None  # the route where small files come together, and the name of this one there


def fetch_all(transport: Transport, wishes: Iterable[Wish], on_done: Callable[[Wish], None] = lambda _: None) -> None:
    """Bring them: small ones together or side by side, large ones one after the other. Raises as `fetch`."""
    wishes = list(wishes)
    packs = list(_packs(wish for wish in wishes if wish.pack and wish.size <= PACK_FILE_BYTES))
    here: dict[Path, Wish] = {}
    in_parallel(
        lambda pack: here.update({wish.destination: wish for wish in _fetch_pack(transport, pack)}), packs, PACK_THREADS
    )
    for wish in here.values():
        on_done(wish)
    wishes = [wish for wish in wishes if wish.destination not in here]

    def bring(wish: Wish) -> None:
        fetch(transport, wish)
        on_done(wish)

    in_parallel(bring, [wish for wish in wishes if wish.size < LARGE_BYTES], THREADS)
    for wish in wishes:
        if wish.size >= LARGE_BYTES:
            bring(wish)


def _packs(wishes: Iterable[Wish]) -> Iterator[list[Wish]]:
    pack: list[Wish] = []
    size = 0
    for wish in wishes:
        other = pack and wish.pack and pack[0].pack and wish.pack[0] != pack[0].pack[0]
        if pack and (other or size + wish.size > PACK_BYTES or len(pack) == PACK_FILES):
            yield pack
            pack, size = [], 0
        pack.append(wish)
        size += wish.size
    if len(pack) > 1:
        yield pack


def _fetch_pack(transport: Transport, pack: list[Wish]) -> list[Wish]:
    """Those that came, each with the right bytes; the others are asked for one by one, and raise what there is to raise."""
    import msgspec

    named = {wish.pack[1]: wish for wish in pack if wish.pack}
    route = next(wish.pack[0] for wish in pack if wish.pack)
    project = {key: value for key, value in pack[0].params.items() if key == "project"}
    try:
        answer = transport.request("POST", route, params=project, json={"paths": list(named)}, repeatable=True)
        files = msgspec.msgpack.decode(answer.body)["files"]
        came = [(named[file["path"]], file["data"]) for file in files if file["path"] in named]
    except (LinealError, ValueError, KeyError, TypeError) as exc:
        logger.debug("small files are fetched one by one: %s", exc)
        return []
    right = [(wish, data) for wish, data in came if hashlib.sha256(data).hexdigest() == wish.sha256]
    for wish, data in right:
        wish.destination.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(wish)
        part.write_bytes(data)
        part.replace(wish.destination)
    return [wish for wish, _ in right]


def fetch(transport: Transport, wish: Wish) -> None:
    """Download to its destination, which appears only once its bytes are the right ones. A broken download goes on where it stopped.

    Raises:
        DigestMismatch: other bytes arrived; nothing is kept.
        ServerUnreachable: it broke off too often; the part that came stays, named for the digest, and the next call goes on from there.
        LinealError: as the server says.
    """
    wish.destination.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(wish)
    found = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            found = _fetch_rest(transport, wish, part)
            break
        except ServerUnreachable:
            if attempt == ATTEMPTS:
                raise
        time.sleep(backoff_s(attempt, 5.0))
    if not found:
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


def _fetch_rest(transport: Transport, wish: Wish, part: Path) -> str:
    """The SHA-256 of all of it, where it came in one stream; else nothing."""
    if wish.size >= LARGE_BYTES:
        known = (
            None if transport.goes_around else wish.link
        )  # one that has expired is asked for anew, by the first block that finds it
        link = known or transport.find_link(wish.where, params=wish.params)
        if link is not None and _fetched_in_blocks(transport, wish, link, part):
            return ""
    leave_the_beginning(part, wish.size, wish.sha256)  # of blocks that an earlier call left with holes between them
    have = part.stat().st_size if part.exists() else 0
    if have > wish.size:
        part.unlink()
        have = 0
    if have == wish.size and part.exists():
        return ""
    by_link = wish.link if not have and not transport.goes_around else None
    if by_link and (found := _fetched_by_link(transport, by_link, part, wish.size)):
        return found
    with (
        transport.download(wish.where, params=wish.params, offset=have) as pieces,
        part.open("ab" if have else "wb") as file,
    ):
        found = _write(pieces, file)
    if part.stat().st_size < wish.size:
        raise ServerUnreachable(
            f"the download of {wish.destination.name} ended at {part.stat().st_size} of {wish.size} bytes"
        )
    return "" if have else found


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


def _fetched_by_link(transport: Transport, link: str, part: Path, size: int) -> str:
    """Nothing where the link did not lead to the whole file, as when it has expired: the server is asked then."""
    try:
        with transport.fetch(link) as response:
            if response.status != 200:
                return ""
            with part.open("wb") as file:
                found = _write(transport.pieces(response), file)
    except StorageUnreachable as exc:
        transport.go_around(exc)
        return ""
    return found if part.stat().st_size == size else ""


def _write(pieces: Iterator[bytes], file: Any) -> str:
    """The SHA-256 of what was written, taken on the way: of each piece while it is written and the next one comes."""
    digest = hashlib.sha256()
    with Beside() as beside:
        for at, piece in enumerate(pieces):
            if at:
                beside.call(digest.update, piece)
            else:
                digest.update(piece)  # of most files there is no other
            file.write(piece)
    return digest.hexdigest()


def below(folder: Path, recorded: str) -> Path:
    """Where a recorded path goes in `folder`.

    Raises:
        LinealError: it would lead out of it.
    """
    pure = PurePosixPath(recorded)
    if pure.is_absolute() or ".." in pure.parts or "\\" in recorded or "\0" in recorded or not pure.parts:
        raise LinealError(f"refusing to write {recorded!r}: the path leaves the folder")
    return folder / pure
