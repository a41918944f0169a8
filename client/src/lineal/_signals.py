"""SIGTERM, which schedulers send some seconds before they kill: it unwinds the program, and its runs end as killed.

Python dies of that signal at once, without leaving any block. Where nobody else handles it, the first one raises here, as Ctrl-C does;
the second kills.
"""

import signal
import threading
import time

WAIT_S = 10.0  # for the server, once told to go, of all runs together: what is left then is in the spool
LEAST_S = 1.0  # of each, also where the program's own clearing up came first


class Terminated(SystemExit):
    """Raised in the main thread by SIGTERM; the exit code is 143, as shells spell it."""


class _State:
    terminated_at: float | None = None


def terminated() -> bool:
    """Whether this process was told to go."""
    return _State.terminated_at is not None


def patience_s(wanted_s: float) -> float:
    """How long an end may wait: as wanted, but that all ends together stay in the grace of one who was told to go."""
    if _State.terminated_at is None:
        return wanted_s
    left_s = _State.terminated_at + WAIT_S - time.monotonic()
    return min(wanted_s, max(left_s, min(LEAST_S, WAIT_S)))


def watch() -> None:
    """Handle the signal from now on, if nobody does and this is the main thread."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def unwatch() -> None:
    """Leave things as they were found, unless somebody else handles the signal meanwhile."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _State.terminated_at = time.monotonic()
    raise Terminated(128 + number)
