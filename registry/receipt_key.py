"""The key that signs receipts: `HOME/keys/receipt.key` (0600), for workers alone. Its public half stands on the ledger.

It is not the log's key, which only the sequencer holds: a receipt repeats what the log says, and says where.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from audit import keys
from audit.events import Target
from audit.models import AuditEvent
from audit.notes import VerifierKey
from audit.services import record
from core.access import system_principal
from core.folders import write_once


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    private: Ed25519PrivateKey
    public: VerifierKey

    @property
    def vkey(self) -> str:
        return str(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, Ed25519 (RFC 8032)."""
        return self.private.sign(message)


def load_key() -> ReceiptKey:
    """The key, made at first need and put on the ledger. Inside a transaction.

    Raises:
        TypeError: the file holds a key of another kind.
    """
    path = ensure_key()
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{path} holds no Ed25519 key.")
    key = ReceiptKey(private, VerifierKey(f"{keys.origin()}/receipts", private.public_key().public_bytes_raw()))
    _tell_ledger(key)
    return key


def ensure_key() -> Path:
    """Where the secret half is, made if there is none. Safe to call from several processes at once."""
    path = Path(settings.HOME) / "keys" / "receipt.key"
    write_once(path, _new_pem)
    return path


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _tell_ledger(key: ReceiptKey) -> None:
    """Once per key: a receipt can then be checked against the log, not just against who hands it out."""
    target = Target("receipt_key", key.public.key_id, key.public.name)
    if AuditEvent.objects.filter(target_type=target.type, target_id=target.id).exists():
        return
    record(
        action="receipt_key.create",
        target=target,
        actor=system_principal("worker"),
        project=None,
        after={"vkey": key.vkey},
    )
