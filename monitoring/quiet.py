"""Quiet hours: a span of the day, in a time zone, in which nobody is told anything. Plain functions."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitoring.triggers.calendars import check_zone

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
KEYS = ("from", "to", "timezone")


def check_time(text: str) -> str:
    """Raises ValueError unless `text` is a time of day, as in 22:00."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is not a time of day; write one as 22:00.")
    return text


def check_quiet_hours(hours: Mapping[str, str]) -> dict[str, str]:
    """`hours` as they are kept.

    Raises:
        ValueError: other members than from, to and timezone, or values that they cannot have.
    """
    if set(hours) != set(KEYS) or not all(isinstance(value, str) for value in hours.values()):
        raise ValueError(f"Quiet hours have {', '.join(KEYS)}, all of them texts.")
    begin, end = check_time(hours["from"]), check_time(hours["to"])
    if begin == end:
        raise ValueError("Quiet hours that end when they begin would last all day; switch the monitor off instead.")
    return {"from": begin, "to": end, "timezone": check_zone(hours["timezone"])}


def quiet_for(hours: Mapping[str, str] | None, now: datetime) -> float:
    """Seconds until the quiet hours that `now` falls into are over; 0 if it falls into none."""
    if hours is None:
        return 0.0
    here = now.astimezone(ZoneInfo(hours["timezone"]))
    begin, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
    clock = here.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return 0.0
    day = here.date() if clock < end else here.date() + timedelta(days=1)
    over = datetime.combine(day, end, tzinfo=here.tzinfo)
    return max(0.0, (over.astimezone(UTC) - now).total_seconds())
