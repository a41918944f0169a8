"""A profile's document as bytes: a line that says what it is, the SHA-256 of the rest, and the document, compressed."""

import json
import zlib
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from lineal._errors import InvalidProfile

SCHEMA = "lineal-profile/1"
MAGIC = b"lineal-profile/1\n"
FAMILY = b"lineal-profile/"
LARGEST_BYTES = 64 << 20  # a column takes about 10 KB compressed
LARGEST_DOCUMENT = 256 << 20

_DIGEST_BYTES = 32
_LEVEL = 6


def pack(document: dict[str, Any]) -> bytes:
    """The bytes of a document; equal documents give equal bytes (of one zlib)."""
    body = zlib.compress(canonical(document), _LEVEL)
    return MAGIC + sha256(body).digest() + body


def canonical(document: Any) -> bytes:
    """UTF-8 with sorted names and no spaces. Floats are written so that they read back to the same bits."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def unpack(data: bytes) -> Any:
    """The document inside, its hash checked before a byte is inflated.

    Raises:
        InvalidProfile: the bytes are of something else or another version, changed, cut off, or too many.
    """
    if not data.startswith(MAGIC):
        raise InvalidProfile(_what_else(data))
    if len(data) > LARGEST_BYTES:
        raise InvalidProfile(f"{len(data)} bytes are too many for a profile: at most {LARGEST_BYTES}")
    digest, body = data[len(MAGIC) : len(MAGIC) + _DIGEST_BYTES], data[len(MAGIC) + _DIGEST_BYTES :]
    if sha256(body).digest() != digest:
        raise InvalidProfile("the bytes were changed or cut off: their SHA-256 is not the one they begin with")
    return parse(_inflated(body))


def _what_else(data: bytes) -> str:
    if data.startswith(FAMILY):
        version = data[len(FAMILY) : len(FAMILY) + 20].partition(b"\n")[0].decode("ascii", "replace")
        return f"a profile of version {version}: this client reads version 1"
    if MAGIC.startswith(data):
        return f"{len(data)} bytes are too few for a profile"
    return f"not a profile: it does not begin with {MAGIC.decode().strip()}"


def _inflated(body: bytes) -> bytes:
    state = zlib.decompressobj()
    try:
        text = state.decompress(body, LARGEST_DOCUMENT + 1)
    except zlib.error as error:
        raise InvalidProfile(f"what follows the SHA-256 is no zlib stream: {error}") from error
    if len(text) > LARGEST_DOCUMENT:
        raise InvalidProfile(f"the document inflates to more than {LARGEST_DOCUMENT} bytes")
    if not state.eof or state.unused_data:
        raise InvalidProfile("the zlib stream does not end where the bytes do")
    return text


def parse(text: bytes | str) -> Any:
    """JSON without NaN and without a name twice.

    Raises:
        InvalidProfile: it is something else.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidProfile(f"not a JSON document: {error}") from error


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
