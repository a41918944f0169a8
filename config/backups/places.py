"""Where backups lie: a folder, or a bucket. Files are written whole or not at all, and found by their names.

`objects/<aa>/<sha256>` is shared by all backups of a place; each backup has a folder of its own beside it, and is one
from the moment that its last file, `manifest.sum`, is there.
"""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from config.backups.failures import BackupFailed, Damaged
from core import clock
from core.folders import fsync_folder, make_private

CHUNK = 1 << 20
LAST_FILE = "manifest.sum"
DRAFT = ".part"
DRAFT_LEFT_S = 3_600  # whoever writes one touches it every few seconds
_BACKUP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z(-[0-9]+)?")


class Place(Protocol):
    """Files by name, with `/` between folders."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Keep the bytes under the name, in the place of what was there. Raises OSError."""

    def read(self, name: str) -> Iterator[bytes]:
        """Raises Damaged where there is no such file, OSError."""

    def size(self, name: str) -> int | None:
        """Bytes, or None where there is no such file. Raises OSError."""

    def names(self, folder: str = "") -> Iterator[str]:
        """All files below a folder, sorted. Raises OSError."""

    def backups(self) -> list[str]:
        """Names of the complete backups, oldest first. Raises OSError."""

    def remove(self, name: str) -> None:
        """Raises OSError."""

    def drafts(self) -> Iterator[str]:
        """Names of what a killed process was writing, and nobody has gone on with for an hour. Raises OSError."""

    def where(self, name: str = "") -> str:
        """What people would type to see it."""


class Folder:
    """A folder, closed to others. Each file is on the disk before its name is."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        path = self.root / name
        make_private(path.parent)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        fsync_folder(path.parent)

    def read(self, name: str) -> Iterator[bytes]:
        try:
            file = (self.root / name).open("rb")
        except FileNotFoundError as exc:
            raise Damaged(f"{self.where(name)} is missing.") from exc
        with file:
            while chunk := file.read(CHUNK):
                yield chunk

    def size(self, name: str) -> int | None:
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def names(self, folder: str = "") -> Iterator[str]:
        found = (self.root / folder).rglob("*")
        yield from sorted(
            str(path.relative_to(self.root)) for path in found if path.is_file() and not path.name.startswith(".")
        )

    def backups(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if is_backup_name(path.name) and (path / LAST_FILE).is_file()
        )

    def drafts(self) -> Iterator[str]:
        limit = clock.now().timestamp() - DRAFT_LEFT_S
        for folder in sorted(self.root.iterdir()):
            if folder.name != "objects" and not is_backup_name(folder.name):
                continue  # a place may have other things beside backups, and theirs are not ours to judge
            for path in sorted(folder.rglob(f".*{DRAFT}")):
                if path.is_file() and path.stat().st_mtime < limit:
                    yield str(path.relative_to(self.root))

    def remove(self, name: str) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                return
            folder.rmdir()

    def where(self, name: str = "") -> str:
        return str(self.root / name)


def is_backup_name(name: str) -> bool:
    return _BACKUP.fullmatch(name) is not None


def place_at(url: str) -> Place:
    """The place that a path, `file:///…` or `s3://bucket/prefix` names."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return Folder(Path(url).expanduser().resolve())
    if scheme == "file":
        return Folder(Path(rest))
    if scheme == "s3":
        from config.backups.buckets import Bucket  # noqa: PLC0415 - boto3 takes a tenth of a second to import

        return Bucket(url)
    raise BackupFailed(f"Backups go to a folder or to s3://bucket/prefix, not to {url}.")


def chosen(url: str) -> tuple[Place, str]:
    """Place and name of the backup that `url` names: itself, or the newest complete one of a place.

    Raises:
        BackupFailed: there is none.
    """
    above, _, last = url.rstrip("/").rpartition("/")
    if is_backup_name(last):
        place, name = place_at(above or "/"), last
        if place.size(f"{name}/{LAST_FILE}") is None:
            raise BackupFailed(f"{url} is no complete backup: it has no {LAST_FILE}.")
        return place, name
    place = place_at(url)
    found = place.backups()
    if not found:
        raise BackupFailed(f"There is no complete backup in {place.where()}.")
    return place, found[-1]


def object_name(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}"
