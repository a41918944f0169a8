"""What a check of `lineal doctor` finds, and how secrets are kept out of it."""

import os
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit


class Finding(NamedTuple):
    """`state` is ok, warn (works, but look) or fail; `advice` says what to do about the last two."""

    check: str
    state: str
    detail: str
    advice: str = ""


def ok(check: str, detail: str) -> Finding:
    return Finding(check, "ok", detail)


def warn(check: str, detail: str, advice: str) -> Finding:
    return Finding(check, "warn", detail, advice)


def fail(check: str, detail: str, advice: str) -> Finding:
    return Finding(check, "fail", detail, advice)


SECRETS = (
    "LINEAL_DATABASE_URL",
    "LINEAL_DATABASE_MIGRATE_URL",
    "LINEAL_DATABASE_REPLICA_URL",
    "LINEAL_BROKER_URL",
    "LINEAL_SMTP_URL",
    "LINEAL_BLOBS_URL",
)
SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN", "_KEY")


def without_secrets(text: str) -> str:
    """`text` without any password that the environment holds: errors of drivers repeat what they were given."""
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _known_secrets() -> set[str]:
    found = set()
    for name in SECRETS:
        try:
            parts = urlsplit(os.environ.get(name, ""))
            given = [parts.password or "", *parse_qs(parts.query).get("password", [])]
        except ValueError:
            continue
        for password in given:
            found |= {password, unquote(password), quote(password)}
    found |= {value for name, value in os.environ.items() if any(word in name.upper() for word in SECRET_WORDS)}
    return {secret for secret in found if len(secret) >= 4}


def shown_size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def shown_age(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
