"""How a file is cut into the parts of a multipart upload, within the limits that S3 sets."""

import base64
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
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


def cut(chunks: Iterable[bytes], part: int, *, at_most: int) -> Iterator[Piece]:
    """Pieces of `part` bytes, and a last one of what is left; beyond 8 MiB they are kept on disk, one at a time.

    Raises:
        TooLarge: more than `at_most` bytes come.
    """
    body, size, total, md5 = _new_body(), 0, 0, _new_md5()
    for chunk in chunks:
        total += len(chunk)
        if total > at_most:
            raise TooLarge(f"This upload was announced with {at_most} bytes from here on, and more arrived.")
        rest = memoryview(chunk)
        while rest:
            taken = rest[: part - size]
            body.write(taken)
            md5.update(taken)
            size += len(taken)
            rest = rest[len(taken) :]
            if size == part:
                yield _finished(body, size, md5)
                body, size, md5 = _new_body(), 0, _new_md5()
    if size:
        yield _finished(body, size, md5)
    body.close()


def _new_body() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=SMALLEST_PART)


def _new_md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)  # what S3 checks a transfer by; digests of ours are SHA-256


def _finished(body: IO[bytes], size: int, md5: "hashlib._Hash") -> Piece:
    body.seek(0)
    return Piece(body, size, base64.b64encode(md5.digest()).decode())
