"""Canonical JSON of ledger events, and the salted commitments that stand in them for personal values.

The canonical form is RFC 8785 restricted to what needs no judgement: ASCII keys, integers below 2**53, no floats.
"""

import hmac
import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

MAX_INTEGER = 2**53 - 1  # beyond it JSON readers in other languages round
MAX_DEPTH = 64  # an event nests five deep; a hundred is an accident or an attack
SALT_SIZE = 16
COMMITMENT_KEY = "$c"


def encode(value: Any) -> bytes:
    """UTF-8 of `value` with sorted keys, no spaces and no escapes that JSON does not require.

    Raises:
        TypeError: a float (write it as text), a key that is not text, or a type JSON lacks. Names the path.
        ValueError: a key outside ASCII, an integer of 2**53 or more, a lone surrogate, nesting deeper than 64.
    """
    _check(value, "", 0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _check(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"{path or '/'}: nested deeper than {MAX_DEPTH} levels.")
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, path)
        case int():
            if abs(value) > MAX_INTEGER:
                raise ValueError(f"{path or '/'}: an integer of 2**53 or more; write it as text.")
        case dict():
            for key, item in value.items():
                _check_key(key, path)
                _check(item, f"{path}/{key}", depth + 1)
        case list() | tuple():
            for position, item in enumerate(value):
                _check(item, f"{path}/{position}", depth + 1)
        case float():
            raise TypeError(f"{path or '/'}: a float has no canonical form; write it as text.")
        case _:
            raise TypeError(f"{path or '/'}: {type(value).__name__} is not a JSON type.")


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{path or '/'}: half of a surrogate pair at character {error.start}.") from error


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{path or '/'}: a key must be text, not {type(key).__name__}.")
    if not key.isascii():
        raise ValueError(f"{path or '/'}: the key {key!r} is not ASCII.")


def commit(value: Any, salt: bytes | None = None) -> tuple[dict[str, str], bytes]:
    """A commitment to stand for `value` in an event, and the salt that opens it.

    Without the salt the commitment says nothing about the value, so deleting value and salt erases it for good
    while every proof over the event stays valid. A fresh random salt unless one is given.
    """
    salt = secrets.token_bytes(SALT_SIZE) if salt is None else salt
    if len(salt) != SALT_SIZE:
        raise ValueError(f"A salt has {SALT_SIZE} bytes, not {len(salt)}.")
    return {COMMITMENT_KEY: b64encode(sha256(salt + encode(value)).digest()).decode()}, salt


def opens(commitment: Any, value: Any, salt: bytes) -> bool:
    """Do `value` and `salt` open this commitment? False for anything that is not a commitment or a salt."""
    if not is_commitment(commitment) or len(salt) != SALT_SIZE:
        return False
    try:
        expected, _ = commit(value, salt)
    except (TypeError, ValueError):
        return False  # what has no canonical form was never committed to
    return hmac.compare_digest(expected[COMMITMENT_KEY].encode(), commitment[COMMITMENT_KEY].encode())


def is_commitment(value: Any) -> bool:
    """Has `value` the shape of a commitment? A user's own value must not have it: it would pass for an erased one."""
    return isinstance(value, Mapping) and value.keys() == {COMMITMENT_KEY} and isinstance(value[COMMITMENT_KEY], str)
