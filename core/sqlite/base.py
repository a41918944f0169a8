"""The backend, where Django looks for it."""

import sqlite3
import threading
import time
from typing import Any

from django.conf import settings
from django.db.backends.sqlite3 import base
from django.db.backends.utils import debug_transaction  # type: ignore[attr-defined]  # the stubs leave it out

WEB_LOOKS_S = 0.001  # between two looks whether another writer is done; one takes some 0.02 ms
OTHERS_LOOK_S = 0.01  # a person waits for the web process, and nobody for a job

_turn = threading.Lock()  # of this process: the one thread that looks, and behind it those that want to


class DatabaseWrapper(base.DatabaseWrapper):
    """Waits for other writers by looking at short intervals that stay as they are.

    SQLite's own waiting sleeps longer each time, 0.1 s in the end, and whoever comes meanwhile goes first: where worker and sequencer
    write one short transaction after the other, a request slept for half a second and more while nobody held the lock for a tenth of
    that.
    """

    def _start_transaction_under_autocommit(self) -> None:
        """Raises OperationalError once others have been in the way for as long as the connection waits (`timeout`)."""
        patience_s = float(self.settings_dict["OPTIONS"].get("timeout", 5.0))
        until = time.monotonic() + patience_s
        opened: Any = self.connection
        had = _turn.acquire(timeout=patience_s)
        try:
            with debug_transaction(self, "BEGIN IMMEDIATE"), self.wrap_database_errors:
                opened.execute("PRAGMA busy_timeout=0").close()
                while not _has_begun(opened, last=not had or time.monotonic() >= until):
                    time.sleep(WEB_LOOKS_S if settings.PROCESS == "web" else OTHERS_LOOK_S)
        finally:
            opened.execute(f"PRAGMA busy_timeout={patience_s * 1_000:.0f}").close()
            if had:
                _turn.release()


def _has_begun(opened: Any, *, last: bool) -> bool:
    """False where another one writes, unless this was the `last` look.

    The cursor is closed in this thread. Left to an error's traceback, it would be collected by any other, which then waits, with the
    interpreter's lock, for whatever this connection is at.
    """
    cursor = opened.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as exc:
        if last or exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        cursor.close()
    return True
