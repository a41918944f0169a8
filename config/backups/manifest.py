"""What a backup says of itself: `manifest.json`, and `manifest.sum`, which digests it and is signed where the key is at hand.

The sum is written last: a backup without it is not one yet, or never became one.
"""

import re
from hashlib import sha256

import msgspec

from audit.notes import InvalidKey, InvalidNote, Signer, sign_note, verify_note
from config.backups.failures import BackupFailed, Damaged, Refused
from config.backups.frames import Measured
from config.backups.places import LAST_FILE, Place

FORMAT = "lineal-backup/1"
MANIFEST = "manifest.json"
_FILE = re.compile(r"([a-z0-9_]+/)?[a-z0-9_]+(\.[a-z0-9]+)+")
_SUM = re.compile(rf"{FORMAT}\n(?P<name>[0-9TZ-]+)\nsha256 (?P<digest>[0-9a-f]{{64}})\n")


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup. `file` is relative to its folder; `sha256` is of the bytes as they lie there."""

    file: str
    size: int
    sha256: str


class Table(File, frozen=True, kw_only=True):
    """`last_number` is the last that the table gave to a row; None where rows bring their own keys."""

    name: str
    rows: int
    last_number: int | None = None


class Objects(File, frozen=True, kw_only=True):
    """The list of objects: project, SHA-256 and size of each."""

    count: int
    bytes: int


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """An object that the database names and the backup has not."""

    project: str
    sha256: str
    reason: str
    expected: bool  # known to be unusable before, or deleted meanwhile; else the store has lost it


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """How far the ledger had come: `size` events with the root `root` (hex) under the checkpoint `note`.

    `waiting` are events that were written and had no number yet. `rotations` are notes that lead to older keys.
    """

    origin: str
    vkey: str
    size: int
    root: str
    note: str
    waiting: int
    rotations: list[str]


class Keys(File, frozen=True, kw_only=True):
    sealed: bool  # by a passphrase
    names: list[str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    name: str
    made_at: str
    server_version: str
    database: str  # "sqlite" or "postgresql"
    migrations: dict[str, list[str]]
    tables: list[Table]
    objects: Objects
    absent: list[Absent]
    ledger: Ledger
    anchors: File
    keys: Keys | None

    @property
    def files(self) -> list[File]:
        """All but the manifest itself."""
        return [*self.tables, self.objects, self.anchors, *([self.keys] if self.keys else [])]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def damage_of(place: Place, manifest: Manifest, file: File) -> str | None:
    """What is wrong with a file of the backup, in a sentence; reads it to its end, and no further than it should be long."""
    name = f"{manifest.name}/{file.file}"
    if place.size(name) is None:
        return f"{place.where(name)} is missing."
    read = Measured(place.read(name))
    for _ in read:
        if read.size > file.size:
            break
    if (read.size, read.sha256) != (file.size, file.sha256):
        return f"{place.where(name)} is damaged: its bytes are not those that the manifest names."
    return None


def write(place: Place, manifest: Manifest, signer: Signer | None) -> str:
    """Keep the manifest and its sum; the digest. From here on it is a backup."""
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    digest = sha256(encoded).hexdigest()
    text = f"{FORMAT}\n{manifest.name}\nsha256 {digest}\n"
    place.write(f"{manifest.name}/{MANIFEST}", [encoded])
    place.write(f"{manifest.name}/{LAST_FILE}", [(sign_note(text, signer) if signer else text).encode()])
    return digest


def read(place: Place, name: str, *, trusted_vkey: str | None = None) -> Manifest:
    """The manifest, checked against its sum; with a key, the sum against its signature.

    Raises:
        Damaged: not what was written, or not signed by the key.
        Refused: of a format that this release does not know.
    """
    encoded = _whole(place, f"{name}/{MANIFEST}")
    said = _whole(place, f"{name}/{LAST_FILE}").decode("utf-8", "replace")
    found = _SUM.match(said)
    if found is None or found["name"] != name:
        raise Damaged(f"{place.where(f'{name}/{LAST_FILE}')} is damaged, or the backup's folder was renamed.")
    if sha256(encoded).hexdigest() != found["digest"]:
        raise Damaged(f"{place.where(f'{name}/{MANIFEST}')} is not what its sum says: it was changed or damaged.")
    manifest = _decoded(encoded, place.where(f"{name}/{MANIFEST}"))
    if manifest.name != name or not all(_FILE.fullmatch(each.file) for each in manifest.files):
        raise Damaged(f"{place.where(f'{name}/{MANIFEST}')} names another backup, or files that are not of it.")
    _check_signature(said, manifest, trusted_vkey)
    return manifest


def _decoded(encoded: bytes, where: str) -> Manifest:
    try:
        shape = msgspec.json.decode(encoded, type=dict)
        if shape.get("format") != FORMAT:
            raise Refused(f"{where} has the format {shape.get('format')!r}, and this release reads {FORMAT!r}.")
        return msgspec.json.decode(encoded, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise Damaged(f"{where} cannot be read: {exc}.") from exc


def _check_signature(said: str, manifest: Manifest, trusted_vkey: str | None) -> None:
    """A signature that is there has to hold; one by a trusted key, or by a key that it leads to, has to be there."""
    from audit.keyring import Keyring  # noqa: PLC0415 - beside its only use

    signed = "\n\n" in said
    try:
        if signed:
            verify_note(said, manifest.ledger.vkey)
        if trusted_vkey is None:
            return
        if not signed:
            raise Damaged("The backup is not signed, so no key proves where it comes from.")
        if manifest.ledger.vkey not in Keyring(trusted_vkey, manifest.ledger.rotations).vkeys:
            raise Damaged(f"The backup is signed by {manifest.ledger.vkey}, to which the given key does not lead.")
    except InvalidKey as exc:
        raise BackupFailed(f"--key is no verifier key: {exc}") from exc
    except InvalidNote as exc:
        raise Damaged(f"The signature of the backup's manifest does not hold: {exc}") from exc


def _whole(place: Place, name: str) -> bytes:
    return b"".join(place.read(name))
