"""Rows that wait for the thread which profiles them: bounded in rows and bytes, and what comes on top is refused."""

import threading
import time
from typing import NamedTuple

from lineal._monitors.snapshots import Observation


class Taken(NamedTuple):
    """What was taken out to be profiled; it counts until it is released."""

    observations: list[Observation]
    rows: int
    size_bytes: int


class Buffer:
    """Thread-safe, and never waits for anything but another append."""

    def __init__(self, most_rows: int, most_bytes: int, due_rows: int) -> None:
        self._lock = threading.Lock()
        self._observations: list[Observation] = []
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self._due_rows = due_rows
        self._taken_rows = self._taken_bytes = 0
        self._since: float | None = None
        self.rows = 0
        self.size_bytes = 0
        self.observed = 0
        self.labelled = 0
        self.refused = 0
        self.unreadable = 0

    def put(self, observation: Observation) -> bool:
        """Take it in; False, and it is counted, where there is no room: what waits already is older, and stays."""
        with self._lock:
            rows, size = self.rows + observation.rows, self.size_bytes + observation.size_bytes
            if rows > self._most_rows or size > self._most_bytes:
                self.refused += observation.rows
                return False
            self._observations.append(observation)
            self.rows, self.size_bytes = rows, size
            if observation.late:
                self.labelled += observation.rows
            else:
                self.observed += observation.rows
            if self._since is None:
                self._since = time.monotonic()
            return True

    def refuse(self, rows: int) -> None:
        """Count rows that come too late."""
        with self._lock:
            self.refused += rows

    def leave_out(self, rows: int) -> None:
        """Count rows that cannot be read."""
        with self._lock:
            self.unreadable += rows

    @property
    def is_due(self) -> bool:
        """Whether there is so much that it should not wait for its time."""
        waiting = self.rows - self._taken_rows
        return waiting >= self._due_rows or 2 * (self.size_bytes - self._taken_bytes) >= self._most_bytes

    @property
    def oldest_s(self) -> float | None:
        """How long the oldest row has waited; None where there is none."""
        since = self._since
        return None if since is None else time.monotonic() - since

    def take(self) -> Taken:
        """All that waits."""
        with self._lock:
            taken = Taken(self._observations, self.rows - self._taken_rows, self.size_bytes - self._taken_bytes)
            self._observations, self._since = [], None
            self._taken_rows, self._taken_bytes = self.rows, self.size_bytes
            return taken

    def release(self, taken: Taken) -> None:
        """It is in memory no longer."""
        with self._lock:
            self.rows -= taken.rows
            self.size_bytes -= taken.size_bytes
            self._taken_rows -= taken.rows
            self._taken_bytes -= taken.size_bytes
