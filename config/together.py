"""Worker, beat and sequencer in one process, as `lineal up` runs them: on one machine they wait most of the time, and what each of
them needs for that is the same Django. A team runs them one by one (`config.roles`).

The worker has the main thread and the signals; beat and sequencer have a thread each, a seat each, and their name in each line that
they log. A part that fails takes the process with it, since the supervisor then starts all three anew. Told to stop, the worker ends
first, then the beat, and the sequencer last, so that what the others wrote has its place in the ledger.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from django.core.management import CommandError
from django.db import connection

from audit.management.commands import audit_sequencer
from config.home import CannotStart
from config.roles import say, work
from core import current, metrics, periodic, roster

log = logging.getLogger(__name__)

GIVES_WAY = 5  # to the web process, where both want a processor: a person waits there. A quarter is left to it
END_S = 5.0  # for the last steps of the sequencer, which begins none after four


def run() -> None:
    """Until a signal, in a process that has begun as a worker.

    Raises:
        CannotStart: the sequencer's keys cannot be read.
        SystemExit: a part failed, with code 1.
    """
    current.part.set("worker")
    os.nice(GIVES_WAY)
    try:
        number = audit_sequencer.prepare()
    except CommandError as exc:
        raise CannotStart(str(exc)) from exc
    parts = [_Part("beat", periodic.run), _Part("sequencer", number)]
    for part in parts:
        part.start()

    def end() -> None:
        for part in parts:
            part.stop()

    work(concurrency=None, at_end=end)
    if any(part.failed for part in parts):
        sys.exit(1)


class _Part:
    """Calls `run(stop, on_beat)` in a thread, until it is told to stop."""

    def __init__(self, role: str, run: Callable[[threading.Event, Callable[[], None]], None]) -> None:
        self.failed = False
        self._role = role
        self._run = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=role, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(END_S)
        if self._thread.is_alive():
            log.warning("The %s was still at work after %s s, and is left at that.", self._role, END_S)

    def _live(self) -> None:
        current.part.set(self._role)
        try:
            on_beat = roster.sit_beside(self._role, metrics.SHARED_FOLDER) if metrics.SHARED_FOLDER else _say_nothing
            say(self._role)
            self._run(self._stop, on_beat)
        except Exception as exc:
            log.critical("The %s failed, and ends its process: %s", self._role, exc, exc_info=True)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            connection.close()


def _say_nothing() -> None:
    """Where the run folder cannot be used, nobody looks for signs of life."""
