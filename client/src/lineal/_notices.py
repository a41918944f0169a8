"""What went wrong while logging, said once per kind through the `lineal` logger and counted after that. Nothing here raises."""

import logging
import threading

logger = logging.getLogger("lineal")


class Notices:
    """One run's memory of what it has complained about."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def warn_once(self, kind: str, message: str) -> None:
        """Log `message` as a warning if nothing of this kind was said before."""
        with self._lock:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            first = self._counts[kind] == 1
        if first:
            logger.warning("%s", message)

    def count(self, kind: str) -> int:
        """How often `warn_once` was called with this kind."""
        with self._lock:
            return self._counts.get(kind, 0)

    def renew(self) -> None:
        """Forget everything, for a forked child: the lock may have been held while the process split."""
        self._lock = threading.Lock()
        self._counts = {}
