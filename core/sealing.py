"""Secrets that have to be read again (a webhook's, a token of another service): sealed at rest with a key that is not in the
database, `HOME/keys/sealing.key` (0600), made at first need. A dump of the database alone opens none of them.

Fernet: AES-128 in CBC mode under an HMAC-SHA256, so what was altered does not open.
"""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from core.errors import Unavailable


class SealBroken(Unavailable):
    """A secret that this server's key does not open: sealed with another key, or altered. It has to be given anew."""

    code = "seal-broken"
    title = "Secret cannot be opened"


def seal(text: str) -> bytes:
    return _fernet().encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    """Raises SealBroken."""
    try:
        return _fernet().decrypt(bytes(sealed)).decode()
    except InvalidToken as exc:
        raise SealBroken("This secret was sealed with another key than this server's; give it anew.") from exc


def ensure_key() -> Path:
    """Where the key is, made if there is none. Safe to call from several processes at once."""
    path = Path(settings.HOME) / "keys" / "sealing.key"
    if not path.exists():
        _make(path)
    return path


def _fernet() -> Fernet:
    return Fernet(ensure_key().read_bytes())


def _make(path: Path) -> None:
    """Write a new key whole or not at all; one that another process made meanwhile is kept."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
