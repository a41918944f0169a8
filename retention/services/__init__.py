"""Writes of this room: holds, and deletions of many things."""

from retention.services.deletions import (
    advance_deletion,
    cancel_deletion,
    empty_bins,
    request_deletion,
    resume_deletions,
)
from retention.services.holds import add_hold, remove_hold

__all__ = [
    "add_hold",
    "advance_deletion",
    "cancel_deletion",
    "empty_bins",
    "remove_hold",
    "request_deletion",
    "resume_deletions",
]
