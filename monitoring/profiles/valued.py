"""Which values a column lists, by their hashes."""

import numpy as np

from monitoring.profiles.hashing import Hashes, hash_numbers
from monitoring.profiles.parts import ORDERED, ColumnProfile


def hashes_of(column: ColumnProfile, key: bytes | None) -> Hashes | None:
    """Hashes of the listed values, most frequent first; None where it has none and they cannot be made.

    Texts bring theirs. Numbers, bools and times in the clear are hashed here, which takes the `key`.
    """
    if column.hashes is not None:
        return np.array([int(str(value), 16) for value, _ in column.hashes.items], np.uint64)
    if column.values is None or column.family not in ORDERED or key is None:
        return None
    return hash_numbers(np.array([value for value, _ in column.values.items], np.float64), key)
