"""Secrets that have to be read again (a webhook's, a token of another service): sealed at rest with a key that is not in the
database, `HOME/keys/sealing.key` (0600), made at first need. A dump of the database alone opens none of them.

Fernet: AES-128 in CBC mode under an HMAC-SHA256, so what was altered does not open.
"""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from core.errors import Unavailable
from core.folders import write_once


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
    write_once(path, Fernet.generate_key)
    return path


def _fernet() -> Fernet:
    return Fernet(ensure_key().read_bytes())
