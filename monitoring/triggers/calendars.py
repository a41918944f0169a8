"""Calendars in cron's five fields, in a time zone of their own."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5  # a sixth would be seconds, and nothing is retrained each second


def check_cron(text: str) -> str:
    """`text` with single spaces, if it is a calendar that is due some day.

    Raises:
        ValueError: it is not, with the field that is wrong.
    """
    cron = " ".join(text.split())
    if len(cron.split(" ")) != FIELDS:
        raise ValueError(
            "A calendar has five fields: minute, hour, day of month, month, day of week, as in '0 3 * * MON'."
        )
    try:
        next(CronSim(cron, datetime.now(UTC)))
    except CronSimError as exc:
        raise ValueError(f"{exc}, in {cron[:80]!r}.") from exc
    except StopIteration as exc:
        raise ValueError(f"No day is ever like {cron[:80]!r}.") from exc
    return cron


def check_zone(name: str) -> str:
    """Raises ValueError unless `name` is a time zone of the IANA database, as in Europe/Berlin."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as exc:  # no such zone, no file, or no name of one
        raise ValueError(f"{name[:60]!r} is not a time zone; write one as Europe/Berlin or UTC.") from exc
    return name


def next_due(*, cron: str, timezone: str, after: datetime) -> datetime | None:
    """The first moment later than `after` that the calendar names, in UTC; None if there is none in fifty years.

    What falls into the hour that summer time skips is due right after it; what falls into the doubled hour, once.
    """
    found: datetime | None = next(CronSim(cron, after.astimezone(ZoneInfo(timezone))), None)
    return found.astimezone(UTC) if found is not None else None
