"""What an auditor needs to check a log offline: roots, proofs, signed notes and checkpoints (RFC 6962, C2SP).

It shares no code with the server that makes these proofs: two implementations do not make the same mistake. A claim is
data from outside, so a wrong one answers False, or raises `InvalidProof` where there is nothing to answer.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

_DASH = "— "  # U+2014 and a space begin a signature line


class InvalidProof(ValueError):
    """A key, note, checkpoint or hash that is not what it claims to be. Its text is one plain sentence."""


class NotSigned(InvalidProof):
    """A well-formed note without a good signature of the key; `wrong` if it has a bad one of it."""

    def __init__(self, message: str, *, wrong: bool) -> None:
        super().__init__(message)
        self.wrong = wrong


class Checkpoint(NamedTuple):
    """The head of a log: its name, the number of its leaves, their root of 32 bytes, and what else its text says."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


_ED25519, _ML_DSA_44 = 1, 6  # signature type bytes of C2SP signed-note
_SIZES = {_ED25519: 32, _ML_DSA_44: 1312}


class Key(NamedTuple):
    """A verifier key: the name in its signature lines, the four bytes its signatures begin with, the public key."""

    name: str
    id: bytes
    public: bytes

    @property
    def is_cosigner(self) -> bool:
        """Is it of ML-DSA-44, which signs beside a log's own Ed25519 key?"""
        return len(self.public) == _SIZES[_ML_DSA_44]


def leaf_hash(body: bytes) -> bytes:
    """The hash under which a log holds an entry (RFC 6962, 2.1)."""
    return sha256(b"\0" + body).digest()


class Tree:
    """A log being read from its first entry: knows size and root after each, and holds one hash per set bit of size."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        """Append the leaf hash of the next entry."""
        rest, peaks = self.size, self._peaks
        while rest & 1:
            leaf = sha256(b"\1" + peaks.pop() + leaf).digest()
            rest >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return sha256(b"").digest()
        return _join_left(self._peaks[-1], self._peaks[-2::-1])

    def copy(self) -> "Tree":
        return Tree(self.size, self._peaks)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Is `leaf` entry number `index` of the log with this size and root? (RFC 9162, 2.1.3)"""
    if not (0 <= index < size and _are_hashes([leaf, root, *proof])):
        return False
    inner = (index ^ (size - 1)).bit_length()  # below this height the path has a sibling on every level
    border = (index >> inner).bit_count()  # above it, only where the path turns right
    if len(proof) != inner + border:
        return False
    return _join_left(_join(leaf, proof[:inner], index), proof[inner:]) == root


def verify_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> bool:
    """Does the new log begin with the whole old one? Never from an empty log, which says nothing (RFC 9162, 2.1.4)."""
    if not (0 < old.size <= new.size and _are_hashes([old.root, new.root, *proof])):
        return False
    if old.size == new.size:
        return not proof and old.root == new.root
    whole = (old.size & -old.size).bit_length() - 1  # height of the old tree's last complete subtree
    inner = ((old.size - 1) ^ (new.size - 1)).bit_length()
    border = ((old.size - 1) >> inner).bit_count()
    path = list(proof) if old.size != 1 << whole else [old.root, *proof]
    if len(path) != 1 + inner - whole + border:
        return False
    seed, beside, above, turns = (
        path[0],
        path[1 : 1 + inner - whole],
        path[1 + inner - whole :],
        (old.size - 1) >> whole,
    )
    left = [sibling for level, sibling in enumerate(beside) if turns >> level & 1]
    reached_old = _join_left(_join_left(seed, left), above)
    reached_new = _join_left(_join(seed, beside, turns), above)
    return (reached_old, reached_new) == (old.root, new.root)


def _join(node: bytes, siblings: Sequence[bytes], turns: int) -> bytes:
    """Climb: the sibling is on the left where the bit of `turns` for its level is set."""
    for level, sibling in enumerate(siblings):
        node = sha256(b"\1" + (sibling + node if turns >> level & 1 else node + sibling)).digest()
    return node


def _join_left(node: bytes, siblings: Iterable[bytes]) -> bytes:
    for sibling in siblings:
        node = sha256(b"\1" + sibling + node).digest()
    return node


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(isinstance(value, bytes) and len(value) == 32 for value in values)


def parse_key(vkey: str) -> Key:
    """Read a verifier key, `name+id+base64`.

    Raises:
        InvalidProof: it has another form, is neither Ed25519 nor ML-DSA-44, or its id is not its own.
    """
    name, _, rest = vkey.partition("+")
    encoded = rest.partition("+")[2]
    raw = decode_base64(encoded)
    if not _is_name(name) or len(name.encode()) > 255 or not raw or len(raw) - 1 != _SIZES.get(raw[0]):
        raise InvalidProof("Not an Ed25519 or ML-DSA-44 verifier key: it looks like NAME+xxxxxxxx+BASE64.")
    key = Key(name, sha256(name.encode() + b"\n" + raw).digest()[:4], raw[1:])
    if vkey != f"{name}+{key.id.hex()}+{encoded}":
        raise InvalidProof("The verifier key does not fit its own id: a character was changed or lost.")
    return key


def verify_note(note: str, key: Key) -> str:
    """The text of a note signed by `key`. Other signatures may stand beside it.

    Raises:
        NotSigned: it lacks this key's signature or carries a wrong one of it.
        InvalidProof: the note is malformed.
    """
    text, signatures = split_note(note)
    own = [raw[4:] for name, raw in signatures if name == key.name and raw[:4] == key.id]
    if not own:
        raise NotSigned(f"The note is not signed by {key.name}+{key.id.hex()}.", wrong=False)
    is_signed = _is_cosigned if key.is_cosigner else _is_signed
    if not all(is_signed(text, signature, key) for signature in own):
        raise NotSigned(f"The signature of {key.name}+{key.id.hex()} is wrong.", wrong=True)
    return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text, and the name and raw bytes of each signature; proves nothing yet.

    Raises:
        InvalidProof: the note is malformed.
    """
    at = note.rfind("\n\n")
    if len(note) > 1_000_000 or re.search(r"[\0-\x09\x0b-\x1f\ud800-\udfff]", note) or at < 0 or note[-1] != "\n":
        raise InvalidProof("Not a signed note: a text, an empty line and signature lines.")
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > 100:
        raise InvalidProof("The note has more than 100 signatures.")
    return note[: at + 1], [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = decode_base64(encoded)
    if not line.startswith(_DASH) or not _is_name(name) or raw is None or len(raw) < 5:
        raise InvalidProof("A signature line of the note is malformed.")
    return name, raw


def _is_name(name: str) -> bool:
    return bool(name) and not re.search(r"[\s+\0-\x1f\ud800-\udfff]", name)


def _is_signed(text: str, signature: bytes, key: Key) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def _is_cosigned(text: str, signature: bytes, key: Key) -> bool:
    """ML-DSA-44 over who signed when, and the checkpoint (C2SP tlog-cosignature); the time stands before the signature."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
    except ImportError as error:
        raise InvalidProof("An ML-DSA-44 key needs cryptography 48 or newer.") from error
    head, cosigner = parse_checkpoint(text), key.name.encode()
    origin = head.origin.encode()
    message = b"subtree/v1\n\0" + bytes([len(cosigner)]) + cosigner + signature[:8]
    message += bytes([len(origin)]) + origin + bytes(8) + head.size.to_bytes(8, "big") + head.root
    try:
        MLDSA44PublicKey.from_public_bytes(key.public).verify(signature[8:], message)
    except InvalidSignature:
        return False
    return True


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note. Lines after the third are its extensions; only a rotation has one.

    Raises:
        InvalidProof: a line is missing, empty or oddly spelled.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise InvalidProof("Not a checkpoint: origin, size and root, a line each.")
    root = decode_base64(lines[2])
    if not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) >= 2**63 or root is None or len(root) != 32:
        raise InvalidProof("The size or the root of the checkpoint is malformed.")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def decode_base64(text: str) -> bytes | None:
    """The bytes, or None unless `text` is exactly how they are encoded (RFC 4648, section 4)."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if b64encode(raw).decode() == text else None
