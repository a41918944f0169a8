"""The server's secrets on their way into a backup and out of it: one file, in the clear (0600) or sealed by a passphrase.

Sealed: scrypt makes a key of the passphrase, AES-256-GCM seals with it, and what was altered does not open.
"""

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from audit.notes import InvalidKey, Signer
from config.backups.failures import BackupFailed, Damaged
from core.folders import fsync_folder, make_private

FORMAT = b"lineal-backup-keys/1"
SCRYPT_N = 1 << 15  # 32 MB and a tenth of a second for each guess
_LEFT_OUT = (".new", ".part")  # drafts of a process that is at work or died
_KEY_FILE = re.compile(r"keys/[A-Za-z0-9][A-Za-z0-9._-]*")
OWNER_TOKEN = "owner.token"  # noqa: S105 - a file's name

Files = Mapping[str, bytes]


class _Sealed(msgspec.Struct):
    format: str
    salt: str
    nonce: str
    n: int
    sealed: str


def take(home: Path) -> dict[str, bytes]:
    """Everything in `keys/` and the owner's token, by name relative to the home.

    Raises:
        BackupFailed: the log's secret key is not here, so a restored log could not go on.
    """
    folder = home / "keys"
    files = read_folder(folder)
    if (home / OWNER_TOKEN).is_file():
        files[OWNER_TOKEN] = (home / OWNER_TOKEN).read_bytes()
    if "keys/log.key" not in files:
        raise BackupFailed(
            f"The ledger's secret key is not at {folder / 'log.key'}. Take the backup where the sequencer runs, or keep the "
            "keys yourself and say --without-keys."
        )
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    """The keys in a folder, without drafts, and without what an editor or a file manager has left there."""
    named = {f"keys/{path.name}": path for path in sorted(folder.glob("*")) if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in named.items()
        if _KEY_FILE.fullmatch(name) and not name.endswith(_LEFT_OUT)
    }


def signer_for(files: Files, vkey: str) -> Signer | None:
    """The secret half of a public key, if the files have it."""
    for name in ("keys/log.key", "keys/log.next.key"):
        try:
            signer = Signer.from_skey(files[name].decode().strip())
        except (KeyError, InvalidKey, UnicodeDecodeError):
            continue
        if signer.vkey == vkey:
            return signer
    return None


def pack(files: Files, passphrase: str | None) -> bytes:
    plain = msgspec.json.encode({name: b64encode(content).decode() for name, content in files.items()})
    if passphrase is None:
        return plain
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_stretched(passphrase, salt, SCRYPT_N)).encrypt(nonce, plain, FORMAT)
    texts = [b64encode(each).decode() for each in (salt, nonce, sealed)]
    return msgspec.json.encode(_Sealed(FORMAT.decode(), texts[0], texts[1], SCRYPT_N, texts[2]))


def unpack(packed: bytes, passphrase: str | None, *, sealed: bool) -> dict[str, bytes]:
    """Raises BackupFailed: no passphrase, or a wrong one. Damaged."""
    try:
        plain = _opened(packed, passphrase) if sealed else packed
        files = {name: b64decode(text) for name, text in msgspec.json.decode(plain, type=dict[str, str]).items()}
    except (msgspec.MsgspecError, ValueError) as exc:
        raise Damaged(f"The file of keys cannot be read: {exc}.") from exc
    _refuse_strangers(files)
    return files


def _refuse_strangers(files: Files) -> None:
    """Raises Damaged for a name that leads elsewhere than to a key."""
    for name in files:
        if name != OWNER_TOKEN and not _KEY_FILE.fullmatch(name):
            raise Damaged(f"The file of keys holds {name!r}, which is none.")


def _opened(packed: bytes, passphrase: str | None) -> bytes:
    if passphrase is None:
        raise BackupFailed(
            "The keys of this backup are sealed by a passphrase: name it with --passphrase-file, or in "
            "LINEAL_BACKUP_PASSPHRASE."
        )
    found = msgspec.json.decode(packed, type=_Sealed)
    if not 2 <= found.n <= 1 << 20:
        raise Damaged("The file of keys cannot be read: it asks for a gigabyte of memory and more.")
    key = _stretched(passphrase, b64decode(found.salt), found.n)
    try:
        return AESGCM(key).decrypt(b64decode(found.nonce), b64decode(found.sealed), FORMAT)
    except InvalidTag as exc:
        raise BackupFailed("The passphrase does not open the keys of this backup.") from exc


def _stretched(passphrase: str, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(passphrase.encode())


def put(home: Path, files: Files) -> None:
    """Write them back, readable by their owner alone; public halves by everybody."""
    _refuse_strangers(files)
    for name, content in files.items():
        path = home / name
        make_private(path.parent)
        draft = path.with_name(f".{path.name}.part")
        draft.unlink(missing_ok=True)
        mode = 0o644 if name.endswith(".vkey") else 0o600
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        fsync_folder(path.parent)
