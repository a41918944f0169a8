"""Bringing a backup back into an empty home and an empty database, so that a half restored server is never taken for a whole one.

Order: every file of the backup is checked; then objects, keys and anchors are put in place; then the database is filled in
one transaction; then what waits is held and the restore put on the ledger, in another. `restore.json` in the home says how
far it came: while it is there `lineal up` refuses, and the same command goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection

from audit.anchors import Folder as AnchorFolder
from audit.models import AuditCheckpoint, Verification
from audit.restores import is_recorded
from audit.verification import verify_ledger
from config.backups import keys, ledger, loading, objects, snapshot
from config.backups.aftermath import Settled, revoke_all, settle
from config.backups.failures import BackupFailed, Damaged, Refused
from config.backups.frames import Row, Unpacked
from config.backups.ledger import Later
from config.backups.manifest import File, Manifest, damage_of
from config.backups.marker import Marker, clear, find, mark
from config.backups.operators import operator
from config.backups.places import Place
from config.backups.progress import Progress
from core.storage import get_store
from tracking.models import Blob


@dataclass(frozen=True)
class Wish:
    """What the operator asked for."""

    verify: bool = False
    passphrase: str | None = None
    keys_from: Path | None = None
    anchors: Sequence[Path] = ()
    accept_loss: bool = False
    reason: str = ""
    revoke_tokens: bool = False


@dataclass
class Restored:
    manifest: Manifest
    later: list[Later]
    settled: Settled
    copied_objects: int = 0
    verified_events: int | None = None
    verified_objects: int | None = None
    findings: list[str] = field(default_factory=list)


def check(place: Place, manifest: Manifest, wish: Wish, progress: Progress) -> list[str]:
    """Everything that can be known of a backup where it lies, without restoring it: what is wrong, in sentences."""
    findings = _check_files(place, manifest, progress)
    if findings:
        return findings  # whatever else is wrong is a consequence
    try:
        _try_keys(place, manifest, wish, progress)
        with progress.stage("Ledger", None):
            ledger.check_files(manifest.ledger, *_log_of(place, manifest))
        _count_rows(place, manifest, progress)
    except Damaged as exc:
        findings.append(exc.message)
    with progress.stage("Objects", manifest.objects.bytes, in_bytes=True) as stage:
        return findings + objects.check_files(place, _wanted(place, manifest), stage.advance)


def restore(place: Place, manifest: Manifest, wish: Wish, progress: Progress) -> Restored:
    """Restore into the home and database of the settings; what was begun before goes on.

    Raises:
        Refused: the target is not empty, or the backup is newer than this release.
        LossNotAccepted: the ledger is known to have gone on after the backup.
        Damaged, BackupFailed, OSError: as they say.
    """
    loading.refuse_newer(manifest)
    is_filled = _refuse_taken(manifest)
    later = ledger.later_copies(manifest.ledger, wish.anchors)
    if not wish.accept_loss:
        ledger.refuse_loss(manifest.ledger, later)
    files = _open_keys(place, manifest, wish)
    restored = Restored(manifest, later, Settled())
    begun = find(settings.HOME)
    to_prove = wish.verify or (begun is not None and begun.verify)  # what was asked once is owed until it is done
    to_revoke = wish.revoke_tokens or (begun is not None and begun.revoke_tokens)
    if not is_filled:
        _refuse_damaged(place, manifest, progress)
    mark(settings.HOME, Marker(manifest.name, _identity(manifest), verify=to_prove, revoke_tokens=to_revoke))
    restored.copied_objects = _put_objects(place, manifest, progress)
    if not is_filled:
        _put_anchors(place, manifest)
        _fill_database(place, manifest, progress)
    keys.put(settings.HOME, _without_owner(files) if to_revoke else files)
    loading.migrate_on()
    ledger.check_restored(manifest.ledger)
    if not is_recorded(manifest.name):
        restored.settled = _settle(manifest, later, wish)
    if to_revoke:
        restored.settled.tokens, restored.settled.sessions = revoke_all(manifest)
    if to_prove:
        _verify(place, manifest, restored, progress)
    if not restored.findings:
        clear(settings.HOME)
    return restored


def _check_files(place: Place, manifest: Manifest, progress: Progress) -> list[str]:
    with progress.stage("Files", sum(file.size for file in manifest.files), in_bytes=True) as stage:
        findings = []
        for file in manifest.files:
            finding = damage_of(place, manifest, file)
            findings += [finding] if finding else []
            stage.advance(file.size)
        return findings


def _refuse_damaged(place: Place, manifest: Manifest, progress: Progress) -> None:
    findings = _check_files(place, manifest, progress)
    if findings:
        raise Damaged(findings[0] if len(findings) == 1 else f"{findings[0]} And {len(findings) - 1} more files.")


def _count_rows(place: Place, manifest: Manifest, progress: Progress) -> None:
    with progress.stage("Tables", manifest.rows) as stage:
        for table in manifest.tables:
            count = 0
            for some in _rows(place, manifest, table):
                count += len(some)
                stage.advance(len(some))
            if count != table.rows:
                raise Damaged(f"{place.where(f'{manifest.name}/{table.file}')} has {count} rows, not {table.rows}.")


def _rows(place: Place, manifest: Manifest, file: File) -> Unpacked:
    name = f"{manifest.name}/{file.file}"
    return Unpacked(place.read(name), place.where(name))


def _log_of(place: Place, manifest: Manifest) -> tuple[Iterator[Row], Iterator[Row]]:
    """(id, body) of the events, and (seq, event, hash) of the leaves."""
    tables = {table.name: table for table in manifest.tables}

    def picked(table: str, *wanted: str) -> Iterator[Row]:
        unpacked = _rows(place, manifest, tables[table])
        at = [[column for column, _ in unpacked.columns].index(name) for name in wanted]
        for row in unpacked.rows():
            yield [row[index] for index in at]

    return picked("audit_event", "id", "body"), picked("audit_leaf", "seq", "event_id", "leaf_hash")


def _wanted(place: Place, manifest: Manifest) -> Iterator[objects.Object]:
    """The objects that the backup has: those it names, without those that were not there to be copied."""
    absent = {(UUID(each.project), each.sha256) for each in manifest.absent}
    return (each for each in objects.list_of(place, manifest) if (each.project, each.sha256) not in absent)


def _refuse_taken(manifest: Manifest) -> bool:
    """True where this very restore was begun before and the database is filled already. Raises Refused."""
    begun = find(settings.HOME)
    if begun is not None and begun.manifest != _identity(manifest):
        raise Refused(
            f"Another restore was begun in {settings.HOME}, of the backup {begun.backup}: end it, or empty the home and its "
            "database."
        )
    tables = connection.introspection.table_names()
    filled = snapshot.count_rows([model for model in snapshot.models() if model._meta.db_table in tables])
    if filled and begun is None:
        table, count = next(iter(filled.items()))
        raise Refused(f"The database is not empty ({table} has {count} rows): restore into an empty one.")
    return bool(filled)


def _identity(manifest: Manifest) -> str:
    return sha256(msgspec.json.encode(manifest)).hexdigest()


def _open_keys(place: Place, manifest: Manifest, wish: Wish) -> dict[str, bytes]:
    """The keys that the restored server will have.

    Raises:
        BackupFailed: a passphrase is missing or wrong, there are no keys, or they are another log's.
    """
    if manifest.keys is not None:
        finding = damage_of(place, manifest, manifest.keys)
        if finding:
            raise Damaged(finding)
        name = f"{manifest.name}/{manifest.keys.file}"
        files = keys.unpack(b"".join(place.read(name)), wish.passphrase, sealed=manifest.keys.sealed)
    elif wish.keys_from is not None:
        files = keys.read_folder(wish.keys_from)
    else:
        raise BackupFailed(
            "This backup was made without keys, and only the ledger's own key can continue it: name the folder that you "
            "keep them in with --keys."
        )
    if manifest.ledger.size and keys.signer_for(files, manifest.ledger.vkey) is None:
        raise BackupFailed(f"None of the keys is the one that signed the ledger's last head, {manifest.ledger.vkey}.")
    return files


def _try_keys(place: Place, manifest: Manifest, wish: Wish, progress: Progress) -> None:
    if (manifest.keys is None and wish.keys_from is None) or (
        manifest.keys is not None and manifest.keys.sealed and wish.passphrase is None
    ):
        progress.say(
            "The keys are not looked at: they are not in the backup, or sealed by a passphrase that was not given."
        )
        return
    _open_keys(place, manifest, wish)


def _without_owner(files: keys.Files) -> dict[str, bytes]:
    """The next start makes the owner a new token."""
    return {name: content for name, content in files.items() if name != keys.OWNER_TOKEN}


def _put_objects(place: Place, manifest: Manifest, progress: Progress) -> int:
    with progress.stage("Objects", manifest.objects.bytes, in_bytes=True) as stage:
        return objects.copy_in(place, get_store(), _wanted(place, manifest), stage.advance)


def _put_anchors(place: Place, manifest: Manifest) -> None:
    folder = AnchorFolder(Path(settings.HOME) / "anchors" / "checkpoints")
    for size, note in _rows(place, manifest, manifest.anchors).rows():
        folder.put(AuditCheckpoint(size=size, note=note))


def _fill_database(place: Place, manifest: Manifest, progress: Progress) -> None:
    with progress.stage("Schema", None):
        models = loading.migrate_to(manifest)
    with progress.stage("Database", manifest.rows) as stage:
        loading.load(manifest, models, lambda file: place.read(f"{manifest.name}/{file}"), stage.advance)


def _settle(manifest: Manifest, later: Sequence[Later], wish: Wish) -> Settled:
    return settle(
        manifest,
        given_up=[(each.size, each.root) for each in later],
        by=operator(),
        reason=wish.reason,
    )


def _verify(place: Place, manifest: Manifest, restored: Restored, progress: Progress) -> None:
    with progress.stage("Ledger", None):
        result = verify_ledger()
    restored.verified_events = result.checked
    if result.outcome != Verification.Outcome.OK:
        restored.findings += result.findings
    kept = Blob.objects.exclude(state__in=[Blob.State.MISSING, Blob.State.QUARANTINED]).order_by("pk")
    stored = (
        objects.Object(*row)
        for row in kept.values_list("project__uuid", "sha256", "size").iterator(chunk_size=snapshot.ROWS_AT_ONCE)
    )
    with progress.stage("Objects", manifest.objects.bytes, in_bytes=True) as stage:
        restored.findings += objects.check_stored(get_store(), stored, stage.advance)
    restored.verified_objects = kept.count()
