"""A second signature on checkpoints that a quantum computer cannot forge: ML-DSA-44 (FIPS 204) as C2SP tlog-cosignature
defines it. Pure: no settings, no database.

What is signed is not the note's text but a `cosigned_message`: a label, the name of the signer, the time, the log, and
the range and root of its leaves. The signature in the note is the time (8 bytes, seconds since 1970) and 2,420 bytes.
"""

import struct
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa

from audit.notes import Checkpoint, InvalidKey, InvalidNote, NotSignedBy, parse_checkpoint, split_note

ML_DSA_44 = b"\x06"  # signature type byte of C2SP signed-note
PUBLIC_SIZE = 1312
_LABEL = b"subtree/v1\n\0"
_SKEY_PREFIX = "PRIVATE+KEY+"


def cosigned_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The bytes that a cosigner signs for the head of a log, in the presentation of RFC 8446."""
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    if not (1 <= len(name) <= 255 and 1 <= len(origin) <= 255):
        raise InvalidNote("The names of a cosigner and of a log have 1 to 255 bytes.")
    return b"".join(
        [
            _LABEL,
            bytes([len(name)]) + name,
            struct.pack(">Q", timestamp),
            bytes([len(origin)]) + origin,
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        ]
    )


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """The public half: `name` as in signature lines, `public` the 1,312 bytes of FIPS 204."""

    name: str
    public: bytes

    @property
    def id_bytes(self) -> bytes:
        """The four bytes that begin each signature of this key."""
        return sha256(self.name.encode() + b"\n" + ML_DSA_44 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id_bytes.hex()}+{b64encode(ML_DSA_44 + self.public).decode()}"


def parse_cosigner(vkey: str) -> CosignerKey:
    """Read `name+id+key`. Raises InvalidKey."""
    name, _, rest = vkey.partition("+")
    raw = _decoded(rest.partition("+")[2])
    if not name or raw[:1] != ML_DSA_44 or len(raw) != 1 + PUBLIC_SIZE:
        raise InvalidKey("Not an ML-DSA-44 verifier key.")
    key = CosignerKey(name, raw[1:])
    if str(key) != vkey:
        raise InvalidKey("The key id is not the id of its key.")
    return key


class Cosigner:
    """The private half. Signs checkpoints only, with the time."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._seed = seed
        self._private = mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
        self._verifier = CosignerKey(name, self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new random key."""
        return cls(name, mldsa.MLDSA44PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_skey(cls, skey: str) -> Self:
        """Read what `to_skey` wrote. Raises InvalidKey, which never quotes the key."""
        name, _, rest = skey.removeprefix(_SKEY_PREFIX).partition("+")
        raw = _decoded(rest.partition("+")[2])
        if raw[:1] != ML_DSA_44 or len(raw) != 33:
            raise InvalidKey("Not an ML-DSA-44 signer key.")
        signer = cls(name, raw[1:])
        if signer.to_skey() != skey:
            raise InvalidKey("The signer key's id is not its own.")
        return signer

    def to_skey(self) -> str:
        """`PRIVATE+KEY+name+id+base64`, secret."""
        encoded = b64encode(ML_DSA_44 + self._seed).decode()
        return f"{_SKEY_PREFIX}{self._verifier.name}+{self._verifier.id_bytes.hex()}+{encoded}"

    @property
    def vkey(self) -> str:
        """The public text form."""
        return str(self._verifier)

    def signature_line(self, text: str) -> str:
        """The line under the text of a checkpoint, newline included."""
        timestamp = int(time.time())
        message = cosigned_message(self._verifier.name, timestamp, parse_checkpoint(text))
        raw = self._verifier.id_bytes + struct.pack(">Q", timestamp) + self._private.sign(message)
        return f"— {self._verifier.name} {b64encode(raw).decode()}\n"

    def __repr__(self) -> str:
        return f"<Cosigner {self._verifier.name}+{self._verifier.id_bytes.hex()}>"


def verify_cosignature(note: str, vkey: str) -> int:
    """When the key of `vkey` signed this checkpoint, in seconds since 1970.

    Raises:
        NotSignedBy: the note has no signature of this key.
        InvalidNote: malformed, or a signature of this key is wrong.
        InvalidCheckpoint: the note is no checkpoint.
        InvalidKey: `vkey` is malformed.
    """
    key = parse_cosigner(vkey)
    text, signatures = split_note(note)
    own = [raw for name, key_id, raw in signatures if (name, key_id) == (key.name, key.id_bytes)]
    if not own:
        raise NotSignedBy(f"The note has no signature of {key.name}+{key.id_bytes.hex()}.")
    checkpoint = parse_checkpoint(text)
    return max(_checked_time(key, raw, checkpoint) for raw in own)


def _checked_time(key: CosignerKey, raw: bytes, checkpoint: Checkpoint) -> int:
    timestamp = int.from_bytes(raw[:8], "big")
    public = mldsa.MLDSA44PublicKey.from_public_bytes(key.public)
    try:
        public.verify(raw[8:], cosigned_message(key.name, timestamp, checkpoint))
    except InvalidSignature as exc:
        raise InvalidNote(f"The signature of {key.name}+{key.id_bytes.hex()} is wrong.") from exc
    return timestamp


def _decoded(encoded: str) -> bytes:
    try:
        raw = b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if not raw or b64encode(raw).decode() != encoded:
        raise InvalidKey("A key is base64.")
    return raw
