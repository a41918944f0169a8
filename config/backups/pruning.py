"""Letting old backups go, and with them the objects that no kept one names."""

from collections.abc import Iterator
from dataclasses import dataclass

from config.backups import manifest, objects
from config.backups.failures import BackupFailed, Damaged
from config.backups.places import LAST_FILE, Place, is_backup_name
from config.backups.progress import Progress


@dataclass(frozen=True)
class Pruned:
    kept: list[str]
    removed: list[str]
    removed_objects: int
    removed_drafts: int


def prune(place: Place, *, keep: int, dry_run: bool, progress: Progress) -> Pruned:
    """Keep the newest `keep` complete backups, and nothing that a killed one left half written. Must not run beside a backup
    to the same place, whose objects it does not know.

    A backup's sum goes first, so that one which was half removed is none.

    Raises:
        BackupFailed: there is no complete one, so every object would go.
        Damaged: a kept backup cannot be read, so its objects are not known; nothing was removed.
    """
    complete = place.backups()
    if not complete:
        raise BackupFailed(f"There is no complete backup in {place.where()}: nothing is pruned.")
    kept = complete[-keep:]
    wanted = {each.sha256 for name in kept for each in _objects_of(place, name)}
    folders: dict[str, list[str]] = {}
    for name in place.names():
        folders.setdefault(name.partition("/")[0], []).append(name)
    gone = [folder for folder in folders if is_backup_name(folder) and folder < kept[0]]
    orphans = [name for name in folders.get("objects", []) if name.rpartition("/")[2] not in wanted]
    drafts = list(place.drafts())
    leaving = [*_in_order(gone, folders, orphans), *drafts]
    if not dry_run:
        with progress.stage("Removing", len(leaving)) as stage:
            for name in leaving:
                place.remove(name)
                stage.advance(1)
    return Pruned(kept, sorted(gone), len(orphans), len(drafts))


def _objects_of(place: Place, name: str) -> Iterator[objects.Object]:
    """Of a list that is as it was written: what a damaged one does not name would be gone for good. Raises Damaged."""
    found = manifest.read(place, name)
    damage = manifest.damage_of(place, found, found.objects)
    if damage:
        raise Damaged(damage)
    return objects.list_of(place, found)


def _in_order(gone: list[str], folders: dict[str, list[str]], orphans: list[str]) -> Iterator[str]:
    for folder in sorted(gone):
        last = f"{folder}/{LAST_FILE}"
        yield from (name for name in folders[folder] if name == last)
        yield from (name for name in folders[folder] if name != last)
    yield from orphans
