"""The 64-bit hashes that stand for values: keyed, so that only who holds the key can test a guess."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 16
PUBLIC_KEY = b"lineal-profile/1"  # what a profile without a key of its own uses: no secret

Hashes = NDArray[np.uint64]


def key_id(key: bytes) -> str:
    """16 hex digits that name a key without giving it away."""
    return blake2b(b"", digest_size=8, key=key).hexdigest()


def hash_numbers(values: NDArray[np.float64], key: bytes) -> Hashes:
    """A hash for each double; -0.0 hashes as 0.0. The finaliser is SplitMix64's."""
    low, high = np.frombuffer(key, dtype="<u8")
    bits: Hashes = (values + 0.0).view(np.uint64)
    return _mixed(_mixed(bits ^ low) + high)


def _mixed(z: Hashes) -> Hashes:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_texts(texts: Iterable[bytes], key: bytes) -> Hashes:
    """A hash for each text, given as its UTF-8 or as the bytes that it is. About 0.4 µs each.

    The keyed state is copied for each text, which is half the work of keying it anew.
    """
    copy = blake2b(digest_size=8, key=key).copy
    digests = []
    for text in texts:
        state = copy()
        state.update(text)
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)


def hex_of(value: int) -> str:
    """A hash as JSON has it."""
    return f"{value:016x}"
