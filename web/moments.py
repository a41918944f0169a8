"""Moments that people type into date fields."""

from datetime import UTC, datetime

from core.errors import Invalid


def utc_moment(text: str, *, field: str) -> datetime | None:
    """The moment `text` names, read as UTC unless it says otherwise; None for no text. Raises Invalid."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise Invalid(f"{text[:40]!r} is not a time; write it as 2026-11-21T03:14:27.", field=field) from exc
