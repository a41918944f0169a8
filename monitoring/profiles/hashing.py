"""Keyed hashes of values, 64 bits each, and the name that a key goes by (docs/profiles.md)."""

from hashlib import blake2b, sha256

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.errors import IncompatibleProfiles

Hashes = NDArray[np.uint64]

KEY_SIZE = 16
DEFAULT_KEY = b"lineal-profile/1"
_SIZE = 8


def key_id(key: bytes) -> str:
    """Names the key without giving it away: 16 hex digits.

    Raises:
        IncompatibleProfiles: not the 16 bytes of a key.
    """
    if len(key) != KEY_SIZE:
        raise IncompatibleProfiles(f"A hashing key has {KEY_SIZE} bytes, not {len(key)}.")
    return blake2b(b"", digest_size=_SIZE, key=key).hexdigest()


def hash_text(text: str | bytes, key: bytes) -> int:
    raw = text.encode() if isinstance(text, str) else text
    return int.from_bytes(blake2b(raw, digest_size=_SIZE, key=key).digest(), "little")


def hash_numbers(values: NDArray[np.float64], key: bytes) -> Hashes:
    """Hashes of doubles, in their order; -0.0 counts as 0.0, since they compare equal."""
    first, second = np.frombuffer(key, "<u8")
    bits = (np.asarray(values, np.float64) + 0.0).view(np.uint64)
    return _mix(_mix(bits ^ first) + second)


def _mix(z: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def edges_id(edges: NDArray[np.float64]) -> str:
    """Names a set of inner edges: SHA-256 in hex."""
    return sha256(b"lineal-edges/1\n" + edges.astype("<f8").tobytes()).hexdigest()


def cells_id(hashes: Hashes) -> str:
    """Names a list of categories in their order: SHA-256 in hex."""
    return sha256(b"lineal-cells/1\n" + hashes.astype("<u8").tobytes()).hexdigest()
