"""A profile as bytes, which anyone may have written: a signature, the SHA-256 of what follows, and the zlib stream of the document."""

import json
import zlib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from monitoring.profiles.errors import InvalidProfile, require

SIGNATURE = b"lineal-profile/1\n"
MOST_BYTES = 128 * 1024 * 1024  # of a document; a column takes at most 30 KB of it, and 13 KB on average
_DIGEST_SIZE = 32
_BODY = len(SIGNATURE) + _DIGEST_SIZE
_LEVEL = 6


def seal(document: Mapping[str, Any]) -> bytes:
    """The document's bytes, the same for the same document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    body = zlib.compress(text, _LEVEL)
    return SIGNATURE + sha256(body).digest() + body


def unseal(data: bytes) -> Any:
    """The document in untrusted bytes, not yet checked beyond being JSON. Inflates no more than `MOST_BYTES`.

    Raises:
        InvalidProfile: bytes of something else, damaged ones, or too many.
    """
    require(data.startswith(SIGNATURE), "bytes", f"{SIGNATURE!r} at the start")
    body = data[_BODY:]
    require(data[len(SIGNATURE) : _BODY] == sha256(body).digest(), "bytes", "the SHA-256 of what follows it")
    text = _inflate(body)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidProfile("document", f"expected JSON ({exc})") from exc


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(body, MOST_BYTES)
    except zlib.error as exc:
        raise InvalidProfile("bytes", f"expected a zlib stream ({exc})") from exc
    require(not inflater.unconsumed_tail, "bytes", f"a document of at most {MOST_BYTES} bytes")
    require(inflater.eof and not inflater.unused_data, "bytes", "one whole zlib stream and nothing after it")
    return text
