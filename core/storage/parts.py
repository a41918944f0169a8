"""How a file is cut into the parts of a multipart upload, within the limits that S3 sets."""

import base64
import hashlib
import tempfile
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import IO

from core.errors import TooLarge
from core.storage.base import PartSizes

SMALLEST_PART = 8 << 20  # bytes; S3 takes parts from 5 MiB on, and below 8 the requests cost more than the bytes
MOST_PARTS = 10_000
STEP = 1 << 20  # part sizes are whole mebibytes


def part_sizes_of(size: int) -> PartSizes:
    """The smallest parts that suffice: the same file is always cut alike, so that an upload goes on after any crash."""
    needed = -(-size // MOST_PARTS)
    return PartSizes(size, max(SMALLEST_PART, -(-needed // STEP) * STEP))


@dataclass(frozen=True)
class Piece:
    """Bytes of one part, ready to be sent and sent again."""

    body: IO[bytes]
    size: int
    md5: str


def cut(chunks: Iterable[bytes], part: int, *, at_most: int) -> Generator[Piece]:
    """Pieces of `part` bytes, and a last one of what is left; beyond 8 MiB they are kept on disk, one at a time.

    Each is closed when the next is asked for.

    Raises:
        TooLarge: more than `at_most` bytes come.
    """
    total, buffer = 0, _Buffer()
    try:
        for chunk in chunks:
            total += len(chunk)
            if total > at_most:
                raise TooLarge(f"This upload was announced with {at_most} bytes from here on, and more arrived.")
            rest = memoryview(chunk)
            while rest:
                taken = rest[: part - buffer.size]
                buffer.write(taken)
                rest = rest[len(taken) :]
                if buffer.size == part:
                    yield buffer.piece()
                    buffer.close()
                    buffer = _Buffer()
        if buffer.size:
            yield buffer.piece()
    finally:
        buffer.close()


class _Buffer:
    def __init__(self) -> None:
        self._body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SMALLEST_PART)  # noqa: SIM115 - closed by `cut`
        self._md5 = hashlib.md5(usedforsecurity=False)  # what S3 checks a transfer by; digests of ours are SHA-256
        self.size = 0

    def write(self, data: memoryview) -> None:
        self._body.write(data)
        self._md5.update(data)
        self.size += len(data)

    def piece(self) -> Piece:
        self._body.seek(0)
        return Piece(self._body, self.size, base64.b64encode(self._md5.digest()).decode())

    def close(self) -> None:
        self._body.close()
