"""Taking a backup while the server runs: keys, then the database as it stands at one moment, then the objects that it names.

In that order, because the key may be rotated meanwhile (the old one leads to the new one, not back), and because an object
that the snapshot names was stored before it was named.
"""

import importlib.metadata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.models import Model

from audit.anchors import Folder as AnchorFolder
from audit.restores import record_backup
from config.backups import frames, keys, ledger, manifest, objects, snapshot
from config.backups.failures import BackupFailed
from config.backups.frames import Counted, Measured, Row
from config.backups.manifest import Absent, File, Keys, Ledger, Manifest, Objects, Table
from config.backups.operators import operator
from config.backups.places import Place, object_name
from config.backups.progress import Progress
from core import clock
from core.storage import get_store
from tracking.models import Blob

ANCHOR_COLUMNS = [("size", "int"), ("note", "text")]
TRIES = 3  # a rotation between taking keys and snapshot is seconds long, and months apart


@dataclass(frozen=True)
class Made:
    manifest: Manifest
    digest: str
    signed: bool
    copied_objects: int

    @property
    def lost(self) -> list[Absent]:
        """Objects that should have been there."""
        return [each for each in self.manifest.absent if not each.expected]


def make(place: Place, *, with_keys: bool, passphrase: str | None, progress: Progress) -> Made:
    """Take a backup. The server may run; several may be taken at once.

    Raises:
        BackupFailed: the schema is another release's, the key is not here, or the ledger is not sound.
        OSError: the place or the store does not answer, or is full.
    """
    for _ in range(TRIES - 1):
        with suppress(KeyMoved):
            return _make(place, with_keys=with_keys, passphrase=passphrase, progress=progress)
    return _make(place, with_keys=with_keys, passphrase=passphrase, progress=progress)


class KeyMoved(BackupFailed):
    """Keys and snapshot do not fit: a rotation came in between, or the key is another log's."""


def _make(place: Place, *, with_keys: bool, passphrase: str | None, progress: Progress) -> Made:
    name, made_at = _name(place, clock.now())
    files = keys.take(settings.HOME) if with_keys else {}
    with snapshot.snapshot() as alias:
        at = ledger.position(alias)
        if with_keys and at.size and keys.signer_for(files, at.vkey) is None:
            raise KeyMoved(f"The key at hand is not the one that signed the ledger's last head ({at.vkey}).")
        migrations = snapshot.applied_migrations(alias)
        tables = _write_tables(place, name, alias, progress)
        listed, expected = _write_list(place, name, alias)
        database = connections[alias].vendor
    anchors = _write_anchors(place, name, at)
    copied, absent = _copy_objects(place, name, listed, progress)
    made = Manifest(
        format=manifest.FORMAT,
        name=name,
        made_at=made_at,
        server_version=importlib.metadata.version("lineal-server"),
        database=database,
        migrations=migrations,
        tables=tables,
        objects=listed,
        absent=[*expected, *absent],
        ledger=at,
        anchors=anchors,
        keys=_write_keys(place, name, files, passphrase) if with_keys else None,
    )
    signer = keys.signer_for(files or _own_keys(), at.vkey)
    digest = manifest.write(place, made, signer)
    _put_on_ledger(made, digest)
    return Made(made, digest, signer is not None, copied)


def _own_keys() -> dict[str, bytes]:
    """For the signature alone; a backup without keys can be taken where there are none."""
    try:
        return keys.take(settings.HOME)
    except BackupFailed:
        return {}


def _name(place: Place, now: datetime) -> tuple[str, str]:
    """A name that sorts by time and is not taken."""
    plain = now.strftime("%Y-%m-%dT%H%M%SZ")
    name, number = plain, 1
    while next(iter(place.names(name)), None) is not None:
        number += 1
        name = f"{plain}-{number}"
    return name, clock.text(now)


def _write_tables(place: Place, name: str, alias: str, progress: Progress) -> list[Table]:
    models = snapshot.models()
    with progress.stage("Database", len(models)) as stage:
        tables = []
        for model in models:
            tables.append(_write_table(place, name, model, alias))
            stage.advance(1)
        return tables


def _write_table(place: Place, name: str, model: type[Model], alias: str) -> Table:
    table = model._meta.db_table
    rows = Counted(snapshot.rows_of(model, alias))
    file, size, digest = _write_rows(place, name, f"tables/{table}.rows.zst", snapshot.header_of(model), rows)
    last = snapshot.last_number(model, alias)
    return Table(name=table, file=file, size=size, sha256=digest, rows=rows.count, last_number=last)


def _write_rows(
    place: Place, name: str, file: str, header: list[tuple[str, str]], rows: Counted
) -> tuple[str, int, str]:
    packed = Measured(frames.pack(header, rows))
    place.write(f"{name}/{file}", packed)
    return file, packed.size, packed.sha256


def _write_list(place: Place, name: str, alias: str) -> tuple[Objects, list[Absent]]:
    """The objects that the snapshot names; those it knows to be unusable stand in the manifest."""
    blobs = (
        Blob.objects.using(alias)
        .order_by("sha256", "project_id")
        .values_list("project__uuid", "sha256", "size", "state")
    )
    expected: list[Absent] = []
    total = 0

    def usable() -> Iterator[Row]:
        nonlocal total
        for project, digest, size, state in blobs.iterator(chunk_size=snapshot.ROWS_AT_ONCE):
            if state in (Blob.State.MISSING, Blob.State.QUARANTINED):
                expected.append(Absent(project=project.hex, sha256=digest, reason=state, expected=True))
                continue
            total += size
            yield [project.hex, digest, size]

    rows = Counted(usable())
    file, size, digest = _write_rows(place, name, "objects.rows.zst", objects.COLUMNS, rows)
    return Objects(file=file, size=size, sha256=digest, count=rows.count, bytes=total), expected


def _copy_objects(place: Place, name: str, listed: Objects, progress: Progress) -> tuple[int, list[Absent]]:
    unpacked = frames.Unpacked(place.read(f"{name}/{listed.file}"), listed.file)
    with progress.stage("Objects", listed.bytes, in_bytes=True) as stage:
        copied, absent = objects.copy_out(get_store(), place, objects.listed(unpacked.rows()), stage.advance)
    return copied, [_explained(each, place) for each in absent if place.size(object_name(each.sha256)) is None]


def _explained(absent: Absent, place: Place) -> Absent:
    """One that was deleted, or found to be wrong, since the snapshot is not lost by anybody."""
    state = (
        Blob.objects.filter(project__uuid=absent.project, sha256=absent.sha256).values_list("state", flat=True).first()
    )
    if state is None or state in (Blob.State.MISSING, Blob.State.QUARANTINED):
        return Absent(project=absent.project, sha256=absent.sha256, reason=state or "deleted since", expected=True)
    return absent


def _write_anchors(place: Place, name: str, at: Ledger) -> File:
    """What the folder of anchors holds, so that the restored log can be compared with it, too."""
    folder = AnchorFolder(Path(settings.HOME) / "anchors" / "checkpoints")

    def kept() -> Iterator[Row]:
        for location in folder.locations():
            size = Path(location).name
            if size.isdecimal() and int(size) <= at.size:
                yield [int(size), folder.read(location)]

    file, size, digest = _write_rows(place, name, "anchors.rows.zst", ANCHOR_COLUMNS, Counted(kept()))
    return File(file=file, size=size, sha256=digest)


def _write_keys(place: Place, name: str, files: keys.Files, passphrase: str | None) -> Keys:
    file = "keys.sealed" if passphrase else "keys.json"
    packed = Measured([keys.pack(files, passphrase)])
    place.write(f"{name}/{file}", packed)
    return Keys(file=file, size=packed.size, sha256=packed.sha256, sealed=passphrase is not None, names=sorted(files))


def _put_on_ledger(made: Manifest, digest: str) -> None:
    kind = "none" if made.keys is None else "sealed" if made.keys.sealed else "clear"
    facts = {"manifest_sha256": digest, "position": made.ledger.size, "keys": kind, "objects": made.objects.count}
    record_backup(name=made.name, by=operator(), facts=facts)
