"""Background work of this room: deletions of many things, and the bin."""

from core import jobs
from retention import services

HOUR_S = 3_600


@jobs.job("retention.advance_deletion", lease_s=HOUR_S)
def advance_deletion(*, deletion_id: int) -> None:
    services.advance_deletion(deletion_id=deletion_id)


@jobs.job("retention.empty_bins", lease_s=HOUR_S)
def empty_bins() -> None:
    services.empty_bins()


@jobs.job("retention.resume_deletions")
def resume_deletions() -> None:
    services.resume_deletions()


jobs.every(seconds=HOUR_S, name="retention.resume_deletions")
jobs.every(seconds=HOUR_S, name="retention.empty_bins")
