"""The smallest hashes of a column: how many distinct values it has, and, while there are few, which (Bar-Yossef et al., 2002)."""

import numpy as np

from lineal._profiles.hashing import Hashes

SIZE = 1_024  # 3.1 % standard error of the estimate, 8 KB

EMPTY: Hashes = np.empty(0, np.uint64)


def widened(smallest: Hashes, hashes: Hashes) -> Hashes:
    """The smallest of both, ascending. Repeats count once, so they are gone before anything is cut off."""
    if len(smallest) == SIZE:
        hashes = hashes[hashes < smallest[-1]]
    return np.union1d(smallest, hashes)[:SIZE] if len(hashes) else smallest


def distinct(smallest: Hashes) -> int:
    """How many distinct values there are: exact while there are fewer than 1,024."""
    if len(smallest) < SIZE:
        return len(smallest)
    return round((SIZE - 1) * 2.0**64 / float(smallest[-1]))
