"""SIGTERM, which schedulers send some seconds before they kill: it unwinds the program, and its runs end as killed.

Python dies of that signal at once, without leaving any block. Where nobody else handles it, the first one raises here, as Ctrl-C does;
the second kills.
"""

import signal
import threading

WAIT_S = 10.0  # for the server, once told to go: what is left then is in the spool


class Terminated(SystemExit):
    """Raised in the main thread by SIGTERM; the exit code is 143, as shells spell it."""


class _State:
    terminated = False


def terminated() -> bool:
    """Whether this process was told to go."""
    return _State.terminated


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
    _State.terminated = True
    raise Terminated(128 + number)
