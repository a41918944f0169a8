"""Secrets that have to be read again: sealed at rest with a key that is not in the database, `HOME/keys/sealing.key` (0600)."""

import os
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings


def seal(text: str) -> bytes:
    return _fernet().encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> str:
    return _fernet().decrypt(bytes(sealed)).decode()


def _fernet() -> Fernet:
    path = Path(settings.HOME) / "keys" / "sealing.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Fernet(path.read_bytes())
