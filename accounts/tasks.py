"""Accounts' work behind the scenes: rows of ended sessions and spent links are swept out."""

from accounts import services
from core import jobs

PURGE_EVERY_S = 6 * 3_600


@jobs.job("accounts.purge_expired")
def purge_expired() -> None:
    """Safe to run twice: what has ended stays ended."""
    services.purge_expired()


jobs.every(seconds=PURGE_EVERY_S, name="accounts.purge_expired")
