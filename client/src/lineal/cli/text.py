"""How values are written for people: short digests, times, sizes, durations, and text that cannot steer a terminal."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

_DURATION_PART = re.compile(r"(\d+)\s*(d|h|m|s)")
_SECONDS_OF = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHOWN_HEX = 12  # 48 bits: two digests on one screen never look alike


def clean(text: object) -> str:
    """`text` on one line with control and direction-changing characters made visible: a run's name must not move the cursor."""
    return "".join(_visible(character) for character in str(text))


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return f"\\u{ord(character):04x}"
    return character


def short_digest(digest: str | None) -> str:
    """`sha256:9f2c…` for reading aloud; the whole digest is in every `--json` document."""
    if not digest:
        return "-"
    return f"{digest[: len('sha256:') + _SHOWN_HEX]}…" if _DIGEST.fullmatch(digest) else clean(digest)


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def parse_duration(text: str) -> timedelta:
    """`30m`, `1h30m`, `45s`, `7d`; a bare number is seconds.

    Raises:
        ValueError: anything else.
    """
    compact = text.strip().lower()
    if compact.isdecimal():
        return timedelta(seconds=int(compact))
    if not compact or _DURATION_PART.sub("", compact).strip():
        raise ValueError(f"{text!r} is not a duration: write 45s, 30m, 1h30m or 7d")
    return timedelta(seconds=sum(int(count) * _SECONDS_OF[unit] for count, unit in _DURATION_PART.findall(compact)))


def parse_moment(text: str, *, now: datetime | None = None) -> datetime:
    """An ISO 8601 time (UTC where no offset is given), or a duration before now such as `7d`.

    Raises:
        ValueError: anything else.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return (now or datetime.now(UTC)) - parse_duration(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a time: write 2026-11-21T03:14:00Z, or 7d for seven days ago") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def wire_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def shown_time(text: str | None) -> str:
    """A wire time to the second, still UTC: `2026-11-21 03:14:27Z`."""
    return f"{text[:10]} {text[11:19]}Z" if text and len(text) >= 19 else clean(text or "-")


def shown_duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def shown_size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "-"
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def shown_value(value: Any) -> str:
    """A parameter, metric or JSON scalar as a table cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(shown_value(item) for item in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}={shown_value(item)}" for key, item in value.items()) or "-"
    return clean(value) or "-"
