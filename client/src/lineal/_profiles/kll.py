"""A KLL sketch of doubles: which values lie where, in a few hundred of them (Karnin, Lang and Liberty, 2016).

Level h holds sorted values that stand for 2^h each, so the weights always add up to n. Nothing is random here: the same values, in the same
chunks, give the same sketch. The bytes are those of Apache DataSketches (`kll_bytes`).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

K = 400  # rank error below 0.7 % at 99 % confidence, about 9 KB
LEAST_WIDTH = 8  # no level counts as full with fewer; DataSketches' `m`

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Kll:
    """`levels[h]` is ascending and its values weigh 2^h. `min` and `max` are the true ones, None while n is 0."""

    k: int
    least_k: int
    levels: tuple[Values, ...]
    n: int
    min: float | None
    max: float | None

    @classmethod
    def empty(cls, k: int = K) -> Self:
        return cls(k, k, (np.empty(0),), 0, None, None)

    @classmethod
    def of_sorted(cls, values: Values, k: int = K) -> Self:
        """The sketch of ascending values, all of them at once: the middle of each run of 2^h, for the least h that leaves few enough.

        What is left of the last run is cut into runs of smaller powers of two. No value is further than half a run from one that is kept.
        """
        n = len(values)
        if n == 0:
            return cls.empty(k)
        top = _height(n, k)
        levels = [np.empty(0)] * top + [_middles(values, 0, n >> top, top)]
        at = n >> top << top
        for height in range(top - 1, -1, -1):
            if n >> height & 1:
                levels[height] = _middles(values, at, 1, height)
                at += 1 << height
        return cls(k, k, tuple(levels), n, float(values[0]), float(values[-1]))

    @property
    def is_exact(self) -> bool:
        """Whether it holds every value."""
        return self.n <= len(self.levels[0])

    @property
    def retained(self) -> int:
        return sum(len(level) for level in self.levels)

    def merged(self, other: Self) -> Self:
        """The sketch of both. Which of the two comes first makes no difference."""
        k = min(self.k, other.k)
        return type(self)(
            k,
            min(self.least_k, other.least_k),
            tuple(compacted(_united(self.levels, other.levels), k)),
            self.n + other.n,
            min((each for each in (self.min, other.min) if each is not None), default=None),
            max((each for each in (self.max, other.max) if each is not None), default=None),
        )

    def weighted(self) -> tuple[Values, NDArray[np.int64]]:
        """Values, ascending, and how many each stands for."""
        values = np.concatenate(self.levels)
        weights = np.repeat(
            np.left_shift(1, np.arange(len(self.levels), dtype=np.int64)), [len(level) for level in self.levels]
        )
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def quantiles(self, parts: int) -> list[float]:
        """The inner quantiles that cut it into `parts`: the i-th is the least value with at least i * n / parts at or below it."""
        if self.n == 0:
            return []
        values, weights = self.weighted()
        below = np.cumsum(weights) * parts
        at = np.searchsorted(below, np.arange(1, parts, dtype=np.int64) * self.n, side="left")
        return [float(value) for value in values[at]]


@lru_cache(maxsize=1_024)
def capacity(k: int, levels: int) -> int:
    """How many values a sketch of that many levels may hold."""
    return sum(level_capacity(k, levels, height) for height in range(levels))


@lru_cache(maxsize=1_024)
def level_capacity(k: int, levels: int, height: int) -> int:
    """k * (2/3)^depth below the top, rounded half up, in whole numbers: every reader of the bytes computes the same."""
    return max(LEAST_WIDTH, _shrunk(k, levels - height - 1))


def _shrunk(k: int, depth: int) -> int:
    if depth > 30:  # DataSketches goes in two steps there, to stay within 64 bits; the rounding is part of the format
        return _shrunk(_shrunk(k, depth // 2), depth - depth // 2)
    doubled: int = (k << 1 << depth) // 3**depth
    return (doubled + 1) >> 1


def _height(n: int, k: int) -> int:
    height = 0
    while (n >> height) + (n & ((1 << height) - 1)).bit_count() > capacity(k, height + 1):
        height += 1
    return height


def _middles(values: Values, start: int, runs: int, height: int) -> Values:
    width = 1 << height
    return values[start + (width >> 1) : start + runs * width : width].copy()


def _united(ours: Sequence[Values], theirs: Sequence[Values]) -> list[Values]:
    most = max(len(ours), len(theirs))
    pairs = zip(_padded(ours, most), _padded(theirs, most), strict=True)
    return [np.sort(np.concatenate(pair)) if all(map(len, pair)) else pair[not len(pair[0])] for pair in pairs]


def _padded(levels: Sequence[Values], most: int) -> list[Values]:
    return [*levels, *(np.empty(0) for _ in range(most - len(levels)))]


def compacted(levels: list[Values], k: int) -> list[Values]:
    """`levels` with the full ones halved into the one above, from the bottom up, until they hold no more than they may.

    The lowest value of an odd level stays; of the rest every second goes up, the even or the odd ones by the parity of the CRC-32 of the
    level's bytes. A parity taken from n would repeat itself where equal parts are merged, and lean to one side.
    """
    while sum(map(len, levels)) > capacity(k, len(levels)):
        height = 0
        while height < len(levels) and sum(map(len, levels)) > capacity(k, len(levels)):
            if len(levels[height]) >= level_capacity(k, len(levels), height):
                _halve(levels, height)
            height += 1
    return levels


def _halve(levels: list[Values], height: int) -> None:
    level = levels[height]
    odd = len(level) & 1
    parity = zlib.crc32(level.astype("<f8", copy=False).tobytes()) & 1
    if height + 1 == len(levels):
        levels.append(np.empty(0))
    levels[height] = level[:odd]
    levels[height + 1] = np.sort(np.concatenate((levels[height + 1], level[odd:][parity::2])))
