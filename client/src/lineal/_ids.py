"""Identifiers that the client makes: UUIDv7 (RFC 9562, 5.7), which sort by time and need no server."""

import json
import os
import re
import time
from hashlib import sha256

_RUN_ID = re.compile(r"[0-9a-f]{32}")


def uuid7_hex() -> str:
    """32 hex digits: 48 bits of milliseconds, version and variant, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000 & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 62 & 0xFFF, random & ((1 << 62) - 1)
    return f"{milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low:032x}"


def named_run_id(name: str, project: str, *, turn: int) -> str:
    """The same id for the same name, everywhere: `name` itself if it is an id and this the first turn, else a UUIDv8 of a hash."""
    if turn == 1 and _RUN_ID.fullmatch(plain := name.replace("-", "").lower()):
        return plain
    digest = sha256(json.dumps(["lineal run", project, name, turn]).encode()).hexdigest()
    return f"{digest[:12]}8{digest[13:16]}{int(digest[16], 16) & 0x3 | 0x8:x}{digest[17:32]}"


def parse_cause_id(text: str) -> str:
    """The id of a cause as a UUID with dashes, given with or without them.

    Raises:
        ValueError: it is neither.
    """
    plain = text.replace("-", "").lower()
    if not _RUN_ID.fullmatch(plain):
        raise ValueError(f"{text!r} is not the id of a cause: a UUID is needed, as the trigger's message names it")
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def parse_run_id(text: str) -> str:
    """A run id as 32 lower-case hex digits, given with or without dashes.

    Raises:
        ValueError: it is neither.
    """
    plain = text.replace("-", "").lower()
    if not _RUN_ID.fullmatch(plain):
        raise ValueError(f"{text!r} is not a run id: 32 hex digits are needed")
    return plain
