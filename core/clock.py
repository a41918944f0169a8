"""Time as the record keeps it: aware, UTC, microseconds."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The server's clock. Tests replace this one function to stop time."""
    return datetime.now(UTC)


def age_s(then: datetime | None) -> float:
    """Seconds since `then`; 0 where there is no such moment, or it lies ahead by another machine's clock."""
    return max(0.0, (now() - then).total_seconds()) if then is not None else 0.0


def text(moment: datetime) -> str:
    """`moment` as `2026-11-21T03:14:27.123456Z`, always with six decimals and four digits of the year (RFC 3339, 5.6),
    which strftime of the C library does not promise.
    """
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The moment `micros` microseconds after 1970. Raises OverflowError outside the years 1-9999."""
    return _EPOCH + timedelta(microseconds=micros)
