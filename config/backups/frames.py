"""Rows as a file: zstd over frames, each a length (4 bytes, big-endian) and MessagePack of some rows.

The first frame names the columns and their kinds, the last counts the rows. What a kind looks like is in `columns`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec
import zstandard

from config.backups.failures import Damaged

ROWS_AT_ONCE = 1_000
BYTES_AT_ONCE = 4 << 20  # of packed rows: some hold megabytes each
LEVEL = 3  # zstd's default: three times smaller than the rows, faster than most disks

Row = Sequence[Any]
_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder()


@dataclass
class Measured:
    """Chunks that are counted and hashed while they pass."""

    chunks: Iterable[bytes]
    size: int = 0
    _hasher: Any = field(default_factory=sha256)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.size += len(chunk)
            self._hasher.update(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        return str(self._hasher.hexdigest())


@dataclass
class Counted:
    """Rows that are counted while they pass."""

    rows: Iterable[Row]
    count: int = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.count += 1
            yield row


def pack(columns: Sequence[tuple[str, str]], rows: Iterable[Row]) -> Iterator[bytes]:
    """The bytes of the file. The same rows give the same bytes."""
    compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    for frame in _frames(columns, rows):
        if packed := compressor.compress(len(frame).to_bytes(4, "big") + frame):
            yield packed
    yield compressor.flush()


def _frames(columns: Sequence[tuple[str, str]], rows: Iterable[Row]) -> Iterator[bytes]:
    yield _packer.encode({"columns": [list(column) for column in columns]})
    count, waiting, weight = 0, list[bytes](), 0
    for row in rows:
        waiting.append(_packer.encode(row))
        weight += len(waiting[-1])
        count += 1
        if len(waiting) == ROWS_AT_ONCE or weight >= BYTES_AT_ONCE:
            yield _packer.encode([msgspec.Raw(each) for each in waiting])
            waiting, weight = [], 0
    if waiting:
        yield _packer.encode([msgspec.Raw(each) for each in waiting])
    yield _packer.encode({"rows": count})


class Unpacked:
    """The rows of such a file, some at a time. `name` is what errors call it."""

    def __init__(self, chunks: Iterable[bytes], name: str) -> None:
        self._name = name
        self._frames = self._read(chunks)
        first = next(self._frames, None)
        if not isinstance(first, dict) or "columns" not in first:
            raise Damaged(f"{name} does not begin like a file of rows.")
        self.columns: list[tuple[str, str]] = [(column, kind) for column, kind in first["columns"]]

    def __iter__(self) -> Iterator[list[Row]]:
        """Raises Damaged where the file does not end as it should."""
        count = 0
        for frame in self._frames:
            if isinstance(frame, dict):
                if frame.get("rows") != count:
                    raise Damaged(f"{self._name} has {count} rows and says that it has {frame.get('rows')}.")
                return
            count += len(frame)
            yield frame
        raise Damaged(f"{self._name} ends too early, after {count} rows.")

    def rows(self) -> Iterator[Row]:
        for some in self:
            yield from some

    def _read(self, chunks: Iterable[bytes]) -> Iterator[Any]:
        decompressor = zstandard.ZstdDecompressor().decompressobj()
        buffer = bytearray()
        for chunk in chunks:
            try:
                buffer += decompressor.decompress(chunk)
                yield from _complete(buffer)
            except (zstandard.ZstdError, msgspec.DecodeError) as exc:
                raise Damaged(f"{self._name} is damaged: {exc}.") from exc


def _complete(buffer: bytearray) -> Iterator[Any]:
    """The frames that are whole, which leave the buffer."""
    at = 0
    while len(buffer) >= at + 4:
        end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
        if len(buffer) < end:
            break
        yield _unpacker.decode(memoryview(buffer)[at + 4 : end])
        at = end
    del buffer[:at]
