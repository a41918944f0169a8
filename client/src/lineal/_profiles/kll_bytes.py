"""KLL sketches as Apache DataSketches writes them (`kll_doubles_sketch` of Java and C++, compact forms), little-endian.

byte 0     2 for an empty sketch or one value, 5 otherwise: the preamble's length in ints
byte 1     1, or 2 for one value
byte 2     15, the family
byte 3     flags: 1 empty, 2 level 0 is sorted, 4 one value
byte 4-5   k; byte 6 m = 8; byte 7 unused
one value: the double. More: u64 n, u16 least k of all that was merged, u8 levels, a byte unused; then u32 offsets, one for each level,
counted from the bottom of a buffer of the sketch's capacity; then least, greatest, and the values from level 0 up
"""

import struct
from itertools import pairwise

import numpy as np

from lineal._profiles.kll import LEAST_WIDTH, Kll, Values, capacity

EMPTY, SORTED, SINGLE = 1, 2, 4
FAMILY = 15
LEAST_K = 8
LARGEST_N = 1 << 53  # as for every count in a profile
MOST_LEVELS = 54

_HEAD = struct.Struct("<BBBBHBx")
_FULL = struct.Struct("<QHBx")


class NoSketch(ValueError):
    """Bytes that are no KLL sketch of doubles; the text says why."""


def to_bytes(sketch: Kll) -> bytes:
    if sketch.n == 0:
        return _HEAD.pack(2, 1, FAMILY, EMPTY, sketch.k, LEAST_WIDTH)
    if sketch.n == 1:
        return _HEAD.pack(2, 2, FAMILY, SINGLE, sketch.k, LEAST_WIDTH) + _doubles(sketch.levels[0])
    count = len(sketch.levels)
    offsets = [capacity(sketch.k, count) - sketch.retained]
    for level in sketch.levels[:-1]:
        offsets.append(offsets[-1] + len(level))
    return b"".join(
        (
            _HEAD.pack(5, 1, FAMILY, SORTED, sketch.k, LEAST_WIDTH),
            _FULL.pack(sketch.n, sketch.least_k, count),
            struct.pack(f"<{count}I", *offsets),
            struct.pack("<dd", sketch.min, sketch.max),
            *(_doubles(level) for level in sketch.levels),
        )
    )


def _doubles(values: Values) -> bytes:
    return values.astype("<f8", copy=False).tobytes()


def from_bytes(data: bytes) -> Kll:
    """Read a sketch of any k, whoever wrote it.

    Raises:
        NoSketch: it is none, or its parts contradict each other.
    """
    if len(data) < _HEAD.size:
        raise NoSketch(f"{len(data)} bytes are too few for a sketch")
    ints, version, family, flags, k, width = _HEAD.unpack_from(data)
    if family != FAMILY or width != LEAST_WIDTH or k < LEAST_K:
        raise NoSketch(f"not a KLL sketch (family {family}, k {k}, m {width})")
    kind = flags & (EMPTY | SINGLE)
    if (ints, version, kind) == (2, 1, EMPTY) and len(data) == _HEAD.size:
        return Kll.empty(k)
    if (ints, version, kind) == (2, 2, SINGLE) and len(data) == _HEAD.size + 8:
        only = _read(data, _HEAD.size, 1)
        return Kll(k, k, (only,), 1, float(only[0]), float(only[0]))
    if (ints, version, kind) == (5, 1, 0):
        return _from_full(data, k, in_order=bool(flags & SORTED))
    raise NoSketch(f"an unknown form: preamble {ints}, version {version}, flags {flags}, {len(data)} bytes")


def _from_full(data: bytes, k: int, *, in_order: bool) -> Kll:
    at = _HEAD.size + _FULL.size
    if len(data) < at:
        raise NoSketch("it ends within its preamble")
    n, least_k, count = _FULL.unpack_from(data, _HEAD.size)
    if not 1 <= count <= MOST_LEVELS or not LEAST_K <= least_k <= k or len(data) < at + 4 * count + 16:
        raise NoSketch(f"{count} levels, least k {least_k} and {len(data)} bytes do not go together")
    offsets = [*struct.unpack_from(f"<{count}I", data, at), capacity(k, count)]
    sizes = [above - below for below, above in pairwise(offsets)]
    at += 4 * count
    if min(sizes) < 0 or len(data) != at + 16 + 8 * sum(sizes):
        raise NoSketch(f"its levels hold {sizes} values, which {len(data)} bytes do not")
    if n > LARGEST_N or sum(size << height for height, size in enumerate(sizes)) != n:
        raise NoSketch(f"the weights of its values do not add up to a likely n: {n}")
    least, greatest = _read(data, at, 2)
    levels = np.split(_read(data, at + 16, sum(sizes)), np.cumsum(sizes)[:-1])
    if not in_order:
        levels[0] = np.sort(levels[0])
    _check_order(levels, float(least), float(greatest))
    return Kll(k, least_k, tuple(levels), n, float(least), float(greatest))


def _read(data: bytes, at: int, count: int) -> Values:
    values = np.frombuffer(data, dtype="<f8", count=count, offset=at) + 0.0  # a copy, and -0.0 as 0.0
    if np.isnan(values).any():
        raise NoSketch("it holds a value that is not a number")
    return values


def _check_order(levels: list[Values], least: float, greatest: float) -> None:
    for height, level in enumerate(levels):
        if (level[1:] < level[:-1]).any():
            raise NoSketch(f"level {height} is not ascending")
        if len(level) and not (least <= level[0] and level[-1] <= greatest):
            raise NoSketch(f"level {height} has values outside {least} to {greatest}")
