"""Files of a run, copied into the spool as they are when they are logged: what training does to them afterwards changes nothing."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lineal._packing import File
from lineal._sender import Sender
from lineal._spool import SpoolFull
from lineal._uploads import LARGEST_GROUP, Uploader, Waiting, sha256_of
from lineal.digest._directories import directory_files

CHUNK_BYTES = 1 << 20


class Found(NamedTuple):
    """A file to log: where it lies, and its path in the run."""

    source: Path
    path: str


def find_files(source: Path, path: str | None) -> list[Found]:
    """The file, or every file below the folder, with the paths that they get: `path` names the file or the folder itself.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: a name that no artifact can have; the message says which.
    """
    name = canonical(path) if path is not None else canonical(source.resolve().name)
    if source.is_dir():
        inside = directory_files(source, follow=True)
        return [Found(where, canonical(f"{name}/{relative}")) for relative, where in inside]
    if not source.exists():
        raise FileNotFoundError(f"there is no file {source}")
    if not source.is_file():
        raise ValueError(f"{source} is neither a file nor a folder")
    return [Found(source, name)]


def canonical(path: str) -> str:
    """A relative POSIX path in Unicode form NFC, as the server takes it.

    Raises:
        ValueError: absolute, empty, or climbing out with `..`.
    """
    pure = PurePosixPath(unicodedata.normalize("NFC", path.replace("\\", "/")))
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"{path!r} is no path of an artifact: relative, without `..`")
    return pure.as_posix()


def log_files(sender: Sender, found: list[Found]) -> None:
    """Copy each into the spool and queue it; one that the spool has no room for is sent right away, which takes as long as it takes.

    Raises:
        OSError: a file cannot be read.
        SpoolFull: no room, and no server either.
    """
    too_large: list[Found] = []
    for each in found:
        try:
            sender.put(File(_copied(sender, each)))
        except SpoolFull:
            too_large.append(each)
    if too_large:
        _send_at_once(sender, too_large)


def _copied(sender: Sender, found: Found) -> dict[str, str | int]:
    with found.source.open("rb") as source:
        expected = os.fstat(source.fileno()).st_size
        place = sender.reserve_file(expected)
        try:
            size, sha256 = _copy(_pieces(source), place)
        except OSError as exc:
            place.unlink(missing_ok=True)
            sender.release_file(expected)
            if exc.filename == str(found.source):
                raise
            raise SpoolFull(f"{found.source} cannot be copied into the spool: {exc.strerror}") from exc
    sender.release_file(expected - size)  # it may have grown or shrunk while it was read
    return {"path": found.path, "size": size, "sha256": sha256, "file": place.name}


def _pieces(source: object) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):  # type: ignore[attr-defined]
        yield chunk


def _copy(pieces: Iterator[bytes], place: Path) -> tuple[int, str]:
    """Bytes copied, and their SHA-256, in one pass. Onto the disk itself: the record that names the copy may not outlive it."""
    digest, size = hashlib.sha256(), 0
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as target:
        for piece in pieces:
            digest.update(piece)
            target.write(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _send_at_once(sender: Sender, found: list[Found]) -> None:
    transport = sender.new_transport()
    if transport is None or not sender.flush(60.0):
        raise SpoolFull(f"the spool has no room for {found[0].source}, and the server cannot be reached")
    uploader = Uploader(transport, project=sender.header.project, run=sender.header.run)
    for start in range(0, len(found), LARGEST_GROUP):
        group = [
            Waiting(each.path, each.source.stat().st_size, sha256_of(each.source), each.source)
            for each in found[start : start + LARGEST_GROUP]
        ]
        refused = uploader.send(group)
        if refused:
            raise SpoolFull(f"{refused[0].file.source} was refused: {refused[0].reason}")
