"""KLL sketches of doubles (Karnin, Lang and Liberty, 2016), in the bytes of Apache DataSketches' `kll_doubles_sketch`.

Level h holds values that stand for 2**h values each. A sketch of at most k values keeps them all, on level 0. Compaction is deterministic
here (docs/profiles.md), where DataSketches throws a coin; the bytes are readable on either side.
"""

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.errors import InvalidSketch

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

M = 8  # the least capacity of a level, which DataSketches fixes
_FAMILY = 15
_EMPTY, _SORTED, _SINGLE = 1, 2, 4  # flags
_HEADER = struct.Struct("<BBBBHBB")  # preamble size in 4-byte words, serial version, family, flags, k, m, unused
_COUNTS = struct.Struct("<QHBB")  # n, least k of what was merged in, number of levels, unused
_ENDS = struct.Struct("<dd")  # least and greatest value
_SHORT_PREAMBLE, _LONG_PREAMBLE = 2, 5
_MANY, _ONE = 1, 2  # serial versions: any number of values, or a single one
_LEAST_K = 8
_MOST_LEVELS = 60  # more would stand for more values than a double counts exactly


@dataclass(frozen=True, slots=True, eq=False)
class Kll:
    """`levels[h]` is ascending; `min` and `max` are of all values seen, None when there were none."""

    k: int
    n: int
    min: float | None
    max: float | None
    levels: tuple[Floats, ...]

    @property
    def is_exact(self) -> bool:
        """Every value was kept (n ≤ k)."""
        return len(self.levels) == 1

    def weighted(self) -> tuple[Floats, Integers]:
        """The kept values, ascending, and how many values each stands for; the weights add up to `n`."""
        values = np.concatenate(self.levels)
        weights = np.repeat(np.int64(1) << np.arange(len(self.levels)), [len(level) for level in self.levels])
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def to_bytes(self) -> bytes:
        if self.n == 0:
            return _HEADER.pack(_SHORT_PREAMBLE, _MANY, _FAMILY, _EMPTY, self.k, M, 0)
        if self.n == 1:
            return _HEADER.pack(_SHORT_PREAMBLE, _ONE, _FAMILY, _SINGLE, self.k, M, 0) + _packed(self.levels[0])
        ends = np.cumsum([len(level) for level in self.levels][::-1])[::-1]
        offsets = (total_capacity(self.k, len(self.levels)) - ends).astype("<u4")
        return b"".join(
            (
                _HEADER.pack(_LONG_PREAMBLE, _MANY, _FAMILY, _SORTED, self.k, M, 0),
                _COUNTS.pack(self.n, self.k, len(self.levels), 0),
                offsets.tobytes(),
                _ENDS.pack(self.min, self.max),
                *(_packed(level) for level in self.levels),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read bytes of Java's, C++'s or our own making; levels that come unsorted are sorted.

        Raises:
            InvalidSketch: anything that DataSketches would not write.
        """
        if len(data) < _HEADER.size:
            raise InvalidSketch(f"A sketch has at least {_HEADER.size} bytes, not {len(data)}.")
        preamble, version, family, flags, k, m, _ = _HEADER.unpack_from(data)
        if family != _FAMILY or m != M or k < _LEAST_K or flags > _EMPTY | _SORTED | _SINGLE:
            raise InvalidSketch(f"Not a KLL sketch: family {family}, k {k}, m {m}, flags {flags}.")
        if flags & _EMPTY:
            _expect((preamble, version, len(data)), (_SHORT_PREAMBLE, _MANY, _HEADER.size))
            return cls(k, 0, None, None, (np.empty(0),))
        if flags & _SINGLE:
            _expect((preamble, version, len(data)), (_SHORT_PREAMBLE, _ONE, _HEADER.size + 8))
            level = _unpacked(data[_HEADER.size :])
            return cls(k, 1, float(level[0]), float(level[0]), (level,))
        _expect((preamble, version), (_LONG_PREAMBLE, _MANY))
        return cls._from_levels(k, data)

    @classmethod
    def _from_levels(cls, k: int, data: bytes) -> Self:
        start = _HEADER.size + _COUNTS.size
        if len(data) < start:
            raise InvalidSketch(f"The sketch ends after {len(data)} bytes, within its preamble.")
        n, least_k, count, _ = _COUNTS.unpack_from(data, _HEADER.size)
        if least_k != k or not 1 <= count <= _MOST_LEVELS:
            raise InvalidSketch(f"A sketch has 1 to {_MOST_LEVELS} levels of one k, not {count} of {k} and {least_k}.")
        sizes = _sizes(data[start : start + 4 * count], total_capacity(k, count), count)
        start += 4 * count
        if len(data) != start + _ENDS.size + 8 * sum(sizes):
            raise InvalidSketch(
                f"The levels ask for {start + _ENDS.size + 8 * sum(sizes)} bytes, and there are {len(data)}."
            )
        least, greatest = _ENDS.unpack_from(data, start)
        items = _unpacked(data[start + _ENDS.size :])
        levels = tuple(np.sort(level) for level in np.split(items, np.cumsum(sizes)[:-1]))
        if sum(size << height for height, size in enumerate(sizes)) != n or n < 2:
            raise InvalidSketch(f"The levels' weights do not add up to n = {n}.")
        if not least <= items.min() <= items.max() <= greatest:
            raise InvalidSketch("A kept value lies outside of the least and the greatest.")
        return cls(k, n, least, greatest, levels)


def merge(a: Kll, b: Kll) -> Kll:
    """The sketch of both inputs together, of the lesser k; the same whichever comes first."""
    k = min(a.k, b.k)
    pairs = zip_longest(a.levels, b.levels, fillvalue=np.empty(0))
    levels = [np.sort(np.concatenate(pair) + 0.0) for pair in pairs]  # -0.0 + 0.0 is 0.0
    while sum(map(len, levels)) > total_capacity(k, len(levels)):
        _compact_lowest_full(levels, k)
    return Kll(k, a.n + b.n, _least(a, b), _greatest(a, b), tuple(levels))


def _compact_lowest_full(levels: list[Floats], k: int) -> None:
    """There is one: the levels hold more than the sum of their capacities."""
    height = next(h for h, level in enumerate(levels) if len(level) >= level_capacity(k, len(levels), h))
    level = levels[height]
    stays = len(level) % 2
    half = level[stays + (zlib.crc32(_packed(level)) & 1) :: 2]
    levels[height] = level[:stays]
    if height + 1 == len(levels):
        levels.append(half)
    else:
        levels[height + 1] = np.sort(np.concatenate((levels[height + 1], half)))


def _least(a: Kll, b: Kll) -> float | None:
    return min((sketch.min + 0.0 for sketch in (a, b) if sketch.min is not None), default=None)


def _greatest(a: Kll, b: Kll) -> float | None:
    return max((sketch.max + 0.0 for sketch in (a, b) if sketch.max is not None), default=None)


def level_capacity(k: int, levels: int, height: int) -> int:
    """k·(2/3)^depth, rounded as DataSketches does, and at least M."""
    depth = levels - height - 1
    rounded: int = ((k << (depth + 1)) // 3**depth + 1) >> 1
    return max(M, rounded)


def total_capacity(k: int, levels: int) -> int:
    """How many values a sketch with so many levels keeps at most."""
    return sum(level_capacity(k, levels, height) for height in range(levels))


def _sizes(raw: bytes, capacity: int, count: int) -> list[int]:
    """Sizes of the levels, from their offsets in an array of `capacity` that is filled from its end."""
    if len(raw) != 4 * count:
        raise InvalidSketch("The sketch ends within its levels.")
    offsets = [*np.frombuffer(raw, "<u4").tolist(), capacity]
    sizes = [end - begin for begin, end in pairwise(offsets)]
    if min(sizes) < 0 or not sum(sizes):
        raise InvalidSketch(f"The levels do not fill an array of {capacity}: offsets {offsets[:-1]}.")
    return sizes


def _expect(found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise InvalidSketch(f"Preamble, version and size of a sketch with these flags are {expected}, not {found}.")


def _packed(level: Floats) -> bytes:
    return level.astype("<f8").tobytes()


def _unpacked(raw: bytes) -> Floats:
    level = np.frombuffer(raw, "<f8").astype(np.float64)
    if np.isnan(level).any():
        raise InvalidSketch("A sketch holds no NaN.")
    return level
