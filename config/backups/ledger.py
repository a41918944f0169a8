"""The ledger's place in a backup: how far it had come, and whether copies elsewhere know of more."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import anchors, keys, merkle
from audit.keyring import Keyring
from audit.models import AuditCheckpoint, AuditLeaf, AuditPending
from audit.notes import InvalidCheckpoint, InvalidNote, parse_checkpoint
from audit.rotation import rotations
from config.backups.failures import BackupFailed, Damaged, LossNotAccepted
from config.backups.frames import Row
from config.backups.manifest import Ledger
from core.storage import ObjectMissing

SHOWN = 3  # copies named in a refusal


@dataclass(frozen=True, slots=True)
class Later:
    """A head of the same log that was signed after the backup and kept elsewhere. `root` is in hex."""

    location: str
    size: int
    root: str
    known_key: bool  # else it is signed by a key that the backup has not, as after a rotation


def position(alias: str) -> Ledger:
    """Where the log stands in the snapshot.

    Raises:
        BackupFailed: leaves and checkpoints do not fit, so that there is nothing sound to keep.
    """
    last = AuditCheckpoint.objects.using(alias).order_by("-size").first()
    leaves = AuditLeaf.objects.using(alias).count()
    size = last.size if last else 0
    if leaves != size:
        raise BackupFailed(f"The ledger has {leaves} leaves, and its last checkpoint is for {size}: verify it first.")
    return Ledger(
        origin=keys.origin(),
        vkey=last.vkey if last else keys.find_vkey() or "",
        size=size,
        root=bytes(last.root).hex() if last else merkle.Frontier().root().hex(),
        note=last.note if last else "",
        waiting=AuditPending.objects.using(alias).count(),
        rotations=rotations(up_to=size),
    )


def check_restored(ledger: Ledger) -> None:
    """Raises Damaged: the leaves in the database do not make the root that the manifest has and the key has signed."""
    frontier = merkle.Frontier()
    for (leaf_hash,) in AuditLeaf.objects.order_by("seq").values_list("leaf_hash").iterator(chunk_size=10_000):
        frontier.append(bytes(leaf_hash))
    _compare(frontier, ledger)


def check_files(ledger: Ledger, events: Iterable[Row], leaves: Iterable[Row]) -> None:
    """Rebuild the log from rows (id, body) and (seq, event, leaf hash), by seq. A hash for each event is held in memory.

    Raises:
        Damaged: an event is not what was numbered, or the root is another.
    """
    hashes = {event_id: merkle.leaf_hash(body.encode()) for event_id, body in events}
    frontier = merkle.Frontier()
    for seq, event_id, leaf_hash in leaves:
        if seq != frontier.size:
            raise Damaged(f"The backup's ledger jumps from {frontier.size - 1} to {seq}.")
        if hashes.get(event_id) != leaf_hash:
            raise Damaged(f"Event {seq} of the backup's ledger is not what was numbered.")
        frontier.append(leaf_hash)
    _compare(frontier, ledger)


def _compare(frontier: merkle.Frontier, ledger: Ledger) -> None:
    if (frontier.size, frontier.root().hex()) != (ledger.size, ledger.root):
        raise Damaged(
            f"The ledger has {frontier.size} events with the root {frontier.root().hex()}; the backup was made at "
            f"{ledger.size} with {ledger.root}."
        )
    if not ledger.size:
        return
    try:
        signed = Keyring(ledger.vkey, ledger.rotations).open(ledger.note)
    except (InvalidNote, InvalidCheckpoint) as exc:
        raise Damaged(f"The backup's last checkpoint is not validly signed: {exc}") from exc
    if (signed.size, signed.root.hex()) != (ledger.size, ledger.root):
        raise Damaged(f"The backup's last checkpoint is for {signed.size} events and another root.")


def later_copies(ledger: Ledger, folders: Sequence[Path] = ()) -> list[Later]:
    """Heads beyond the backup's, in the places that anchors go to and in further folders; by size.

    Raises:
        BackupFailed: a place cannot be looked at, so nobody knows.
    """
    if not ledger.size:
        return []
    ring = Keyring(ledger.vkey, ledger.rotations)
    found = [later for location, note in _kept(ledger.size, folders) if (later := _later(ring, ledger, location, note))]
    return sorted(found, key=lambda each: (each.size, each.location))


def _kept(beyond: int, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for place in [*anchors.places(), *(anchors.Folder(folder) for folder in folders)]:
        try:
            for location in place.locations():
                size = location.rpartition("/")[2]
                if size.isdecimal() and int(size) > beyond:
                    yield location, place.read(location)
        except (OSError, UnicodeDecodeError, ObjectMissing) as exc:
            raise BackupFailed(
                f"The anchors in the {place.kind} cannot be read, so nobody knows what the backup lacks: {exc}"
            ) from exc


def _later(ring: Keyring, ledger: Ledger, location: str, note: str) -> Later | None:
    try:
        signed = ring.open(note)
    except (InvalidNote, InvalidCheckpoint):
        return _unproven(ledger, location, note)
    return Later(location, signed.size, signed.root.hex(), known_key=True) if signed.size > ledger.size else None


def _unproven(ledger: Ledger, location: str, note: str) -> Later | None:
    """A head that says that it is of this log, under a key which the backup does not know."""
    try:
        said = parse_checkpoint(note[: note.rfind("\n\n") + 1])
    except InvalidCheckpoint:
        return None
    is_ours = said.origin == ledger.origin and said.size > ledger.size
    return Later(location, said.size, said.root.hex(), known_key=False) if is_ours else None


def lost_words(ledger: Ledger, later: Sequence[Later]) -> str:
    """Which events are lost, in one sentence."""
    last = later[-1].size
    count = last - ledger.size
    events = f"event {ledger.size} is" if count == 1 else f"events {ledger.size} to {last - 1} are"
    return f"{events} not in the backup ({count} of them; {later[-1].location} was signed at {last})"


def refuse_loss(ledger: Ledger, later: Sequence[Later]) -> None:
    """Raises LossNotAccepted if there is one."""
    if not later:
        return
    unknown = (
        ""
        if all(each.known_key for each in later)
        else " Some of these heads are signed by a key that the backup does not have: the key was rotated since, and clients that "
        "know the new one will not trust the restored server."
    )
    raise LossNotAccepted(
        f"The ledger went on after this backup: {lost_words(ledger, later)}. Look for a newer backup, or say --accept-loss "
        f"and why with --reason; it stays on the ledger.{unknown}"
    )
