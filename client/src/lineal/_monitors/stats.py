"""Counts of one monitor."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MonitorStats:
    """What became of the rows that a monitor of this process was given.

    `refused` found no room, `unreadable` could not be profiled (a call whose rows cannot be counted is one), `lost` were profiled and found
    no place, or were never profiled until the end. `trouble` is what stands in the way now.
    """

    observed: int = 0
    labelled: int = 0
    refused: int = 0
    unreadable: int = 0
    lost: int = 0
    buffered: int = 0
    buffered_bytes: int = 0
    parts_made: int = 0
    parts_sent: int = 0
    parts_refused: int = 0
    parts_waiting: int = 0
    version: int | None = None
    trouble: str = ""
