"""Forks and the ends of processes: a child begins as a writer of its own, and delivers what it logged before it leaves."""

import importlib
import os
import sys
import weakref
from typing import Protocol

from lineal import _settings, _signals


class Forked(Protocol):
    """What a sender does about forks."""

    @property
    def is_child(self) -> bool:
        """Whether it began in a forked process."""

    def be_reborn(self) -> None:
        """Begin anew, in the child."""

    def leave(self, timeout_s: float) -> None:
        """Deliver what the process queued, which ends now."""


living: "weakref.WeakSet[Forked]" = weakref.WeakSet()  # senders of this process that were not finished


def import_ahead() -> None:
    """What the threads will import, here instead: a child that is forked during another thread's import could never finish it."""
    for name in ("msgspec.msgpack", "urllib3", "encodings.idna", "http.client", "lineal._uploads", "lineal._sync"):
        importlib.import_module(name)


def finish_with(sender: Forked) -> None:
    """Children of `multiprocessing` leave without running `atexit`; they run their finalizers, which a fork clears first."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and sender.is_child:
        util.Finalize(None, _deliver_last, args=(weakref.ref(sender),), exitpriority=0)


def _deliver_last(reference: "weakref.ref[Forked]") -> None:
    sender = reference()
    if sender is not None and sender in living:
        sender.leave(_settings.finish_timeout_s())


class _Self:
    forked = False


def is_worker() -> bool:
    """Whether this process was made by another one of the program, rather than started by itself."""
    process = sys.modules.get("multiprocessing.process")
    return _Self.forked or (process is not None and process.parent_process() is not None)


def _after_fork_in_child() -> None:
    _Self.forked = True
    _signals.unwatch()  # `terminate()` of a worker is to be as quick as ever
    for sender in list(living):
        sender.be_reborn()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
