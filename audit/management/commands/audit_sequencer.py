"""`audit_sequencer`: the process that numbers, hashes and signs the ledger's events until it is told to stop."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connection

from audit import keys, wake
from audit.errors import LedgerBroken
from audit.sequencer import STEP_EVENTS, Sequencer
from core.errors import LinealError

log = logging.getLogger(__name__)

RETRY_S = 1.0  # after the database did not answer
GATHER_S = 0.02  # after a step: acts that come one upon the other share the next, and its signature and its commit
LAST_S = 4.0  # for the last steps, of 2,000 events each; whoever stops a sequencer waits a little longer than that
MANY = 100  # events in a step: then there are more, and nothing to wait for
BROKEN_RETRY_S = 10.0  # people have to mend it; ask again now and then


class Command(BaseCommand):
    help = "Give committed ledger events their place in the log and sign its head. Runs until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []
    stealth_options = ("on_beat",)  # a callable, for whoever starts it from Python

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stop.set())
        prepare()(stop, options.get("on_beat") or _say_nothing)


def prepare() -> Callable[[threading.Event, Callable[[], None]], None]:
    """`run` with the log's keys, which are read now.

    Raises:
        CommandError: they cannot be. What is returned raises it when another sequencer has handed the log over to a new key:
            whoever watches over this one starts it anew.
    """
    try:
        sequencer = Sequencer(keys.load_signer(), keys.load_cosigner())
    except (LinealError, ValueError, OSError) as exc:
        raise CommandError(f"The sequencer cannot start: {exc}") from exc

    def run_with_keys(stop: threading.Event, on_beat: Callable[[], None]) -> None:
        try:
            run(sequencer, stop, on_beat)
        except keys.WrongKey as exc:
            raise CommandError(f"The sequencer stops: {exc}") from exc

    return run_with_keys


def _say_nothing() -> None:
    pass


def run(sequencer: Sequencer, stop: threading.Event, on_beat: Callable[[], None] = _say_nothing) -> None:
    """Steps until `stop` is set; outlives a database that goes away and a log that people have to mend. `on_beat` is
    called at least every ten seconds or so.
    """
    while not stop.is_set():
        on_beat()
        try:
            sequencer.check_start()
            _run_connected(sequencer, stop, on_beat)
        except LedgerBroken as exc:
            log.critical("The ledger is not continued: %s", exc.detail)
            stop.wait(BROKEN_RETRY_S)
        except DatabaseError as exc:
            log.warning("The database did not answer (%s); trying again.", exc)
            connection.close()
            stop.wait(RETRY_S)


def _run_connected(sequencer: Sequencer, stop: threading.Event, on_beat: Callable[[], None]) -> None:
    ear, pause_s = wake.listen(stop), wake.SHORTEST_S
    try:
        while not stop.is_set():
            on_beat()
            if done := sequencer.step():
                pause_s = wake.SHORTEST_S
                if done < MANY:
                    stop.wait(GATHER_S)
                continue
            ear.wait(pause_s)
            pause_s = min(wake.LONGEST_S, pause_s * 2)
        _take_what_waits(sequencer)
    finally:
        ear.close()


def _take_what_waits(sequencer: Sequencer) -> None:
    """What was committed before the stop gets its place. A step that is not full has taken it; others may go on writing."""
    end = time.monotonic() + LAST_S
    while sequencer.step() >= STEP_EVENTS and time.monotonic() < end:
        pass
