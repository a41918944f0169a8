"""Bytes of a chunk: delta, byte shuffle and zstd over the three columns; every bit of every value survives.

A chunk is a 10-byte header and one zstd frame::

    b"LMC" + version u8 (1) + points u32 + reserved u16 (0)      little-endian
    zstd( shuffle(delta(steps)) + shuffle(delta(times)) + shuffle(values as 64 bits) )

`delta` keeps the first number and then the differences, wrapping at 64 bits. `shuffle` writes all lowest bytes, then all
second bytes, and so on: neighbours in a column resemble each other most in their high bytes. Values are moved as bit
patterns, so NaN payloads, infinities and -0.0 come back as they went in. The frame carries zstd's own checksum.

A packed batch holds the points of several series of one request under one frame::

    b"LMB" + version u8 (1) + series u32 + length of names u32
    names: for each series length u16 + UTF-8;  counts: u32 for each series;  then a chunk over all points
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Container, Iterator, Sequence

import numpy as np
import zstandard

from tracking.metrics.points import EMPTY, STEP, VALUE, Points, concat

CHUNK_MAGIC = b"LMC"
BATCH_MAGIC = b"LMB"
VERSION = 1
LEVEL = 3  # 7.5 bytes a point at 62 µs per 1,000; higher levels cost more than they save
MAX_POINTS = 1 << 24  # 384 MiB decoded: what a header may claim before it is taken for damage

TOGETHER = 8_000  # points decoded in one go: more of them would not lie in the processor's cache

_CHUNK_HEADER = struct.Struct("<3sBIH")
_BATCH_HEADER = struct.Struct("<3sBII")
_codecs = threading.local()  # zstandard's objects may not be shared between threads


class ChunkCorrupt(ValueError):
    """Stored metric bytes do not decode to what their header promises."""


def encode(points: Points) -> bytes:
    """Points in the order given. About 30 µs per 1,000 points."""
    header = _CHUNK_HEADER.pack(CHUNK_MAGIC, VERSION, len(points), 0)
    return header + _compressor().compress(planes(points))


def planes(points: Points) -> bytes:
    """The three columns as they are compressed: delta of steps and times, then the shuffle of each."""
    columns = np.empty((3, len(points)), STEP)
    for column, numbers in zip(columns, (points.steps, points.times), strict=False):
        column[:1] = numbers[:1]
        np.subtract(numbers[1:], numbers[:-1], out=column[1:])
    columns[2] = np.asarray(points.values, VALUE).view(STEP)
    return columns.view(np.uint8).reshape(3, len(points), 8).transpose(0, 2, 1).tobytes()


def decode(data: bytes | memoryview) -> Points:
    """The points that `encode` was given, bit by bit.

    Raises:
        ChunkCorrupt: another format, another version, or damaged bytes.
    """
    return decode_all([data])[0]


def decode_all(chunks: Sequence[bytes | memoryview]) -> list[Points]:
    """As `decode` of each, at a fraction of the cost where there are many of a size.

    Raises:
        ChunkCorrupt: one of them is of another format, another version, or damaged.
    """
    counts = [_read_chunk_header(data) for data in chunks]
    raw = [_decompress(memoryview(data)[_CHUNK_HEADER.size :], n * 24) for data, n in zip(chunks, counts, strict=True)]
    found = [EMPTY] * len(raw)
    for count in set(counts) - {0}:
        places = [place for place, each in enumerate(counts) if each == count]
        together = max(1, TOGETHER // count)
        for at in range(0, len(places), together):
            some = places[at : at + together]
            for place, points in zip(some, _columns([raw[place] for place in some], count), strict=True):
                found[place] = points
    return found


def _columns(raw: Sequence[bytes], count: int) -> Iterator[Points]:
    planes = np.frombuffer(b"".join(raw), np.uint8).reshape(-1, 3, 8, count)
    columns = np.ascontiguousarray(planes.transpose(1, 0, 3, 2)).reshape(3, len(raw), 8 * count)
    steps, times = (np.cumsum(each.view(STEP), axis=1, dtype=STEP) for each in columns[:2])
    return map(Points, steps, times, columns[2].view(VALUE))


def pack(series: Sequence[tuple[str, Points]]) -> bytes:
    """All series of one request in one value, in the order given."""
    return pack_columns(
        [key for key, _ in series], [len(points) for _, points in series], concat([p for _, p in series])
    )


def pack_columns(keys: Sequence[str], counts: Sequence[int], points: Points) -> bytes:
    """As `pack`, of series whose points stand one after the other."""
    names = b"".join([len(name).to_bytes(2, "little") + name for name in [key.encode() for key in keys]])
    header = _BATCH_HEADER.pack(BATCH_MAGIC, VERSION, len(keys), len(names))
    return b"".join((header, names, struct.pack(f"<{len(counts)}I", *counts), encode(points)))


def unpack(data: bytes | memoryview, keys: Container[str] | None = None) -> list[tuple[str, Points]]:
    """The series that `pack` was given, in its order; of `keys` alone where some are named, and then a batch that has none of
    them costs no more than a look at its names.

    Raises:
        ChunkCorrupt: another format, another version, or damaged bytes.
    """
    return unpack_all([data], keys)[0]


def unpack_all(
    batches: Sequence[bytes | memoryview], keys: Container[str] | None = None
) -> list[list[tuple[str, Points]]]:
    """As `unpack` of each, at a fraction of the cost where there are many of a size.

    Raises:
        ChunkCorrupt: one of them is of another format, another version, or damaged.
    """
    tables = [_read_batch_tables(memoryview(data)) for data in batches]
    wanted = [
        place for place, (names, _, _) in enumerate(tables) if keys is None or any(name in keys for name in names)
    ]
    found: list[list[tuple[str, Points]]] = [[] for _ in tables]
    for place, points in zip(wanted, decode_all([tables[place][2] for place in wanted]), strict=True):
        names, counts, _ = tables[place]
        found[place] = [(name, part) for name, part in _split(names, counts, points) if keys is None or name in keys]
    return found


def _split(names: Sequence[str], counts: np.ndarray, points: Points) -> Iterator[tuple[str, Points]]:
    ends = np.cumsum(counts)
    if (int(ends[-1]) if len(ends) else 0) != len(points):
        raise ChunkCorrupt(f"a packed batch announces {int(counts.sum())} points and holds {len(points)}")
    for name, start, end in zip(names, (ends - counts).tolist(), ends.tolist(), strict=True):
        yield name, points[start:end]


def _read_batch_tables(view: memoryview) -> tuple[list[str], np.ndarray, memoryview]:
    if len(view) < _BATCH_HEADER.size:
        raise ChunkCorrupt(f"a packed batch has at least {_BATCH_HEADER.size} bytes, these are {len(view)}")
    magic, version, series, names_length = _BATCH_HEADER.unpack_from(view)
    if magic != BATCH_MAGIC or version != VERSION:
        raise ChunkCorrupt(f"not a packed batch of version {VERSION}: it begins with {bytes(view[:4])!r}")
    names_end = _BATCH_HEADER.size + names_length
    counts_end = names_end + 4 * series
    if len(view) < counts_end:
        raise ChunkCorrupt("a packed batch ends inside its table of series")
    names = list(_split_names(view[_BATCH_HEADER.size : names_end]))
    if len(names) != series:
        raise ChunkCorrupt(f"a packed batch announces {series} series and names {len(names)}")
    return names, np.frombuffer(view[names_end:counts_end], "<u4").astype(np.int64), view[counts_end:]


def _split_names(table: memoryview) -> Iterator[str]:
    at = 0
    while at < len(table):
        end = at + 2 + int.from_bytes(table[at : at + 2], "little")
        if end > len(table):
            raise ChunkCorrupt("a packed batch ends inside the name of a series")
        try:
            yield str(table[at + 2 : end], "utf-8")
        except UnicodeDecodeError as exc:
            raise ChunkCorrupt("a packed batch names a series in bytes that are not UTF-8") from exc
        at = end


def _read_chunk_header(data: bytes | memoryview) -> int:
    if len(data) < _CHUNK_HEADER.size:
        raise ChunkCorrupt(f"a chunk has at least {_CHUNK_HEADER.size} bytes, these are {len(data)}")
    magic, version, count, reserved = _CHUNK_HEADER.unpack_from(data)
    if magic != CHUNK_MAGIC:
        raise ChunkCorrupt(f"not a metric chunk: it begins with {bytes(data[:3])!r}")
    if version != VERSION or reserved:
        raise ChunkCorrupt(f"chunk version {version}.{reserved} is unknown here, version {VERSION}.0 was expected")
    if count > MAX_POINTS:
        raise ChunkCorrupt(f"a chunk of {count} points is beyond the limit of {MAX_POINTS}")
    return int(count)


def _decompress(frame: memoryview, size: int) -> bytes:
    try:
        raw: bytes = _decompressor().decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise ChunkCorrupt(f"the compressed points do not decode: {exc}") from exc
    if len(raw) != size:
        raise ChunkCorrupt(f"{len(raw)} bytes of points where the header promises {size}")
    return raw


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_codecs, "compressor"):
        _codecs.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    compressor: zstandard.ZstdCompressor = _codecs.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_codecs, "decompressor"):
        _codecs.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _codecs.decompressor
    return decompressor
