"""Signed notes and log checkpoints: reading, writing and keys (C2SP signed-note and tlog-checkpoint, Ed25519).

Reading is strict on purpose: there is one spelling of a size, a hash and a key, so two readers cannot disagree.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # signature type byte of C2SP signed-note
MAX_SIGNATURES = 100
MAX_NOTE_CHARS = 1_000_000  # a checkpoint has 300; this only bounds the work a stranger can ask for
_KEY_ID_SIZE = 4
_KEY_SIZE = 32
_ROOT_SIZE = 32
_MAX_TREE_SIZE = 2**63 - 1
_SKEY_PREFIX = "PRIVATE+KEY+"
_SIGNATURE_PREFIX = "— "  # U+2014 and a space
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class InvalidNote(ValueError):
    """Not a signed note, or not signed by the key that was asked for."""


class NotSignedBy(InvalidNote):
    """A note in good order, without a signature of the key that was asked for."""


class InvalidCheckpoint(ValueError):
    """The text of a note is no log checkpoint."""


class InvalidKey(ValueError):
    """Not a verifier or signer key in the form that notes use."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half: `name` as it stands in signature lines, `public` the 32 bytes of RFC 8032."""

    name: str
    public: bytes

    @property
    def id_bytes(self) -> bytes:
        """The four bytes that begin each signature of this key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:_KEY_ID_SIZE]

    @property
    def key_id(self) -> str:
        """The key id as eight hex digits."""
        return self.id_bytes.hex()

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id}+{b64encode(ED25519 + self.public).decode()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Did this key sign these bytes?"""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def parse_vkey(vkey: str) -> VerifierKey:
    """Read `name+id+key`, the form `Signer.vkey` gives.

    Raises:
        InvalidKey: another form, another signature type, or an id that is not the key's own.
    """
    name, _, rest = vkey.partition("+")
    encoded = rest.partition("+")[2]
    key = VerifierKey(_checked_name(name), _decode_key(encoded))
    if str(key) != vkey:
        raise InvalidKey(f"The key id in {vkey!r} is not the id of its key.")
    return key


def fingerprint(vkey: str) -> str:
    """SHA-256 of the key's text in hex, to be compared by eye; `printf %s "$vkey" | sha256sum` says the same."""
    return sha256(str(parse_vkey(vkey)).encode()).hexdigest()


def _checked_name(name: str) -> str:
    if not name or "+" in name or _CONTROL.search(name) or any(char.isspace() for char in name):
        raise InvalidKey(f"A key name is not empty and has neither spaces nor '+': {name!r}.")
    if not _is_unicode(name):
        raise InvalidKey("A key name is valid Unicode.")
    return name


def _decode_key(encoded: str) -> bytes:
    """The 32 bytes after the type byte, of a public key or a seed alike."""
    raw = _decode_base64(encoded)
    if raw is None or len(raw) != 1 + _KEY_SIZE:
        raise InvalidKey("A key is the base64 of 33 bytes.")
    if raw[:1] != ED25519:
        raise InvalidKey(f"Signature type {raw[0]} is not Ed25519 (1).")
    return raw[1:]


class Signer:
    """The private half of a note key. Its text form is `to_skey`; nothing else shows the seed."""

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != _KEY_SIZE:
            raise InvalidKey(f"An Ed25519 seed has {_KEY_SIZE} bytes, not {len(seed)}.")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._verifier = VerifierKey(_checked_name(name), self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new random key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_skey(cls, skey: str) -> Self:
        """Read what `to_skey` wrote.

        Raises:
            InvalidKey: another form, or an id that is not the key's own. The message never quotes the key.
        """
        name, _, rest = skey.removeprefix(_SKEY_PREFIX).partition("+")
        signer = cls(name, _decode_key(rest.partition("+")[2]))
        if signer.to_skey() != skey:
            raise InvalidKey("The signer key does not begin with PRIVATE+KEY+ or its key id is not its own.")
        return signer

    def to_skey(self) -> str:
        """`PRIVATE+KEY+name+id+base64`, the secret form of Go's note package. Keep it from logs."""
        encoded = b64encode(ED25519 + self._private.private_bytes_raw()).decode()
        return f"{_SKEY_PREFIX}{self.name}+{self.key_id}+{encoded}"

    @property
    def name(self) -> str:
        return self._verifier.name

    @property
    def key_id(self) -> str:
        """Eight hex digits."""
        return self._verifier.key_id

    @property
    def vkey(self) -> str:
        """The public text form, for `verify_note`."""
        return str(self._verifier)

    def signature_line(self, text: str) -> str:
        """The line that stands under `text` for this key, newline included."""
        signature = b64encode(self._verifier.id_bytes + self._private.sign(text.encode())).decode()
        return f"{_SIGNATURE_PREFIX}{self.name} {signature}\n"

    def __repr__(self) -> str:
        return f"<Signer {self.name}+{self.key_id}>"


class SignsNotes(Protocol):
    """Whoever writes a signature line under a text: `Signer`, or a cosigner with an algorithm of its own."""

    def signature_line(self, text: str) -> str: ...


def sign_note(text: str, *signers: SignsNotes) -> str:
    """The note that carries `text` under the signatures of `signers`, in their order. Deterministic.

    Raises:
        InvalidNote: the text lacks its final newline, has control characters, or no signer is given.
    """
    _check_text(text)
    if not text.endswith("\n"):
        raise InvalidNote("The text of a note ends with a newline.")
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise InvalidNote(f"A note carries 1 to {MAX_SIGNATURES} signatures, not {len(signers)}.")
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def verify_note(note: str, vkey: str) -> str:
    """The text of a note that the key of `vkey` has signed. Signatures of other keys are allowed and ignored.

    Raises:
        InvalidNote: malformed, not signed by this key (`NotSignedBy`), or a signature of this key is wrong.
        InvalidKey: `vkey` is malformed.
    """
    key = parse_vkey(vkey)
    text, signatures = split_note(note)
    own = [signature for name, key_id, signature in signatures if (name, key_id) == (key.name, key.id_bytes)]
    if not own:
        raise NotSignedBy(f"The note has no signature of {key.name}+{key.key_id}.")
    message = text.encode()
    if not all(key.verifies(message, signature) for signature in own):
        raise InvalidNote(f"The signature of {key.name}+{key.key_id} is wrong.")
    return text


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text, and (name, key id, signature) of each signature line; proves nothing yet. Raises InvalidNote."""
    _check_text(note)
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise InvalidNote("A note is a text, an empty line and signature lines that end with a newline.")
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise InvalidNote(f"A note carries at most {MAX_SIGNATURES} signatures, not {len(lines)}.")
    return note[: at + 1], [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    raw = _decode_base64(encoded)
    if not line.startswith(_SIGNATURE_PREFIX) or raw is None or len(raw) <= _KEY_ID_SIZE:
        raise InvalidNote(f"Not a signature line: {line!r}.")
    try:
        return _checked_name(name), raw[:_KEY_ID_SIZE], raw[_KEY_ID_SIZE:]
    except InvalidKey as error:
        raise InvalidNote(f"Not a signature line: {line!r}.") from error


def _check_text(text: str) -> None:
    if len(text) > MAX_NOTE_CHARS:
        raise InvalidNote(f"A note has at most {MAX_NOTE_CHARS} characters, not {len(text)}.")
    if _CONTROL.search(text):
        raise InvalidNote("A note has no control characters other than newline.")
    if not _is_unicode(text):
        raise InvalidNote("A note is valid Unicode.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, the number of its leaves, and the 32 bytes of their root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text to be signed: origin, size and root, a line each, then the extension lines.

    Raises:
        InvalidCheckpoint: `parse_checkpoint` would not read it back.
    """
    root = b64encode(checkpoint.root).decode()
    text = "\n".join([checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions]) + "\n"
    if parse_checkpoint(text) != checkpoint:
        raise InvalidCheckpoint("The fields of the checkpoint hold a newline.")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note, which `verify_note` has returned.

    Raises:
        InvalidCheckpoint: a line is missing, empty or spelled in another way than `format_checkpoint` would.
    """
    if _CONTROL.search(text) or not _is_unicode(text) or not text.endswith("\n"):
        raise InvalidCheckpoint("A checkpoint is lines of text, each ended by a newline.")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise InvalidCheckpoint("A checkpoint has at least three lines, none of them empty.")
    origin, size, root, *extensions = lines
    return Checkpoint(origin, _parse_size(size), _parse_root(root), tuple(extensions))


def _parse_size(text: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > _MAX_TREE_SIZE:
        raise InvalidCheckpoint(f"Not a tree size: {text!r}.")
    return int(text)


def _parse_root(text: str) -> bytes:
    root = _decode_base64(text)
    if root is None or len(root) != _ROOT_SIZE:
        raise InvalidCheckpoint(f"Not the base64 of a {_ROOT_SIZE}-byte root: {text!r}.")
    return root


def _decode_base64(text: str) -> bytes | None:
    """The bytes, or None if `text` is not exactly how they are encoded (RFC 4648, section 4)."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one, and so is what non-ASCII text raises
        return None
    return raw if b64encode(raw).decode() == text else None


def _is_unicode(text: str) -> bool:
    """Without lone surrogates, which have no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
