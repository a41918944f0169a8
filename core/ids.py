"""Identifiers: UUIDv7 made by whoever creates the thing, and their spellings on the wire."""

import random
import secrets
import time
from uuid import UUID

from core.errors import Invalid


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    return UUID(int=_uuid7(secrets.randbits(74)))


def request_id() -> str:
    """The 32 hex digits of a UUIDv7 for what is no secret and is made all day: asking the kernel for random bits lets go of the
    interpreter's lock. Python's generator begins anew in a fork.
    """
    return f"{_uuid7(random.getrandbits(74)):032x}"


def _uuid7(bits: int) -> int:
    millis = time.time_ns() // 1_000_000
    return millis << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | (bits & (1 << 62) - 1)


def parse_run_id(text: str) -> UUID:
    """The id in `text`, written as 32 hex digits or as a dashed UUID.

    Raises:
        Invalid: it is neither.
    """
    compact = text.replace("-", "") if len(text) == 36 else text
    if len(compact) != 32 or not all(c in "0123456789abcdef" for c in compact):
        raise Invalid(f"A run id is 32 lower-case hex digits, and {text[:64]!r} is not.", field="id")
    return UUID(hex=compact)
