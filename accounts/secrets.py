"""Secrets: how they are made, written and matched. Pure functions; nothing here touches the database.

A token reads `lnl_<12: id>_<43: secret>`, both in base 62, so that a double click selects all of it and scanners can
find it.
"""

import hmac
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
MARK = "lnl_"
ID_CHARS = 12
SECRET_CHARS = 43  # 62**43 is just over 2**256
PREFIX_CHARS = len(MARK) + ID_CHARS
TOKEN_CHARS = PREFIX_CHARS + 1 + SECRET_CHARS

_ALLOWED = frozenset(ALPHABET)


@dataclass(frozen=True, slots=True)
class TokenText:
    """A token taken apart: `prefix` is public and finds the row, `secret` proves it."""

    prefix: str
    secret: str

    def __repr__(self) -> str:
        return f"TokenText({self.prefix!r}, secret hidden)"

    @property
    def plaintext(self) -> str:
        return f"{self.prefix}_{self.secret}"


def new_token() -> TokenText:
    return TokenText(prefix=MARK + _random(ID_CHARS), secret=_random(SECRET_CHARS))


def new_secret() -> str:
    """43 characters of base 62: 256 bits, for links and page sessions."""
    return _random(SECRET_CHARS)


def parse_token(text: str) -> TokenText | None:
    """The parts of `text`, or None if it is not written like a token."""
    if len(text) != TOKEN_CHARS or not text.startswith(MARK) or text[PREFIX_CHARS] != "_":
        return None
    prefix, secret = text[:PREFIX_CHARS], text[PREFIX_CHARS + 1 :]
    return TokenText(prefix, secret) if _ALLOWED.issuperset(prefix[len(MARK) :] + secret) else None


def digest(secret: str) -> str:
    """SHA-256 in hex. No salt and no stretching: 256 random bits leave nothing to guess (unlike a password)."""
    return sha256(secret.encode()).hexdigest()


def matches(secret: str, stored_sha256: str) -> bool:
    """Whether `secret` has that digest, in a time that does not depend on where they differ."""
    return hmac.compare_digest(digest(secret), stored_sha256)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
