"""The bin: where deleted things wait, and how long."""

from datetime import datetime, timedelta

from django.conf import settings

from core import clock


def days() -> int:
    """How many days something can be restored for; 0 for as long as nobody purges it."""
    return int(settings.BIN_DAYS)


def purged_from(deleted_at: datetime | None) -> datetime | None:
    """When the bin lets go of it; None for never."""
    return deleted_at + timedelta(days=days()) if deleted_at is not None and days() else None


def expired_before() -> datetime | None:
    """What was deleted before this moment goes; None for nothing."""
    return clock.now() - timedelta(days=days()) if days() else None
