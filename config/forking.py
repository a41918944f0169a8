"""Processes of `lineal up` that share what they have in common: the supervisor imports the libraries once, and each part is a
fork of it. That saves the time of importing them in each, and most of their memory.

The supervisor sets Django up as well (`config.setting_up`), but starts no thread and asks no database; what belongs to one role,
each fork settles for itself, so it is in all the same process that `lineal worker` would be.
Where forking is not sound (macOS' frameworks), or not wanted, each part is started as a program.
"""

import atexit
import contextlib
import gc
import importlib
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn, Protocol

WATCH_S = 0.02  # between two looks at a process that is waited for
SIGNALS = (signal.SIGINT, signal.SIGTERM)
LIBRARIES = (
    "asyncio", "celery.app.amqp", "celery.app.events", "celery.app.routes", "celery.apps.worker",
    "celery.backends.base", "celery.concurrency.solo", "celery.events.receiver", "celery.worker.consumer", "cronsim",
    "cryptography.fernet", "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.serialization", "django.contrib.staticfiles.handlers",
    "django.core.handlers.wsgi", "django.core.mail", "django.core.management", "django.core.serializers.json",
    "django.db.migrations.executor", "django.db.models", "django.forms", "django.template",
    "django.template.defaulttags", "django.template.loader_tags", "django.urls", "django.views.generic",
    "granian.server.mp", "inflection", "kombu.transport.filesystem", "lark", "msgspec", "numpy", "orjson",
    "prometheus_client.multiprocess", "uritemplate", "whitenoise.middleware", "yaml", "zstandard",
)  # fmt: skip


class Process(Protocol):
    """What the supervisor asks of a process: `subprocess.Popen` is one."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...


class Forked:
    """A fork of this process, with the ways of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # where SIGCHLD is ignored, nobody hears how it ended
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        end = time.monotonic() + timeout if timeout is not None else None
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("a part of lineal up", timeout or 0)
            time.sleep(WATCH_S)
        return code

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def can_fork() -> bool:
    return sys.platform == "linux"


def preload(more: Callable[[], None]) -> None:
    """Import what all parts need, and do `more` that they share. A library that is not there, each part will miss by itself."""
    gc.disable()
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    more()
    gc.collect()
    gc.freeze()  # so that no collection in a fork writes to the pages of what is shared
    gc.enable()


@dataclass(frozen=True, slots=True)
class Part:
    """What a fork does, and what it has of this process: its outputs, and not what it is to `close`."""

    name: str
    run: Callable[[], object]
    out: IO[bytes]
    error: IO[bytes]
    close: Sequence[IO[str]] = ()


def fork(part: Part) -> Forked:
    """A process and session of its own, which ends with what `part.run` returns or raises, as a program does."""
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, SIGNALS
    )  # none is to reach the fork by the handlers of this process
    parent = os.getpid()
    try:
        pid = os.fork()
        if not pid:
            _be(part, before, parent)
        return Forked(pid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be(part: Part, signals: set[int], parent: int) -> NoReturn:
    """Never goes back: what this process's parent has begun is not for its forks to end."""
    code = 1
    atexit._clear()  # noqa: SLF001 - that is this process's parent's to do at its end
    try:
        _settle(part, signals, parent)
        part.run()
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        if not isinstance(exc.code, int | None):
            os.write(2, f"{exc.code}\n".encode())
    except BaseException:  # noqa: BLE001 - told, as the interpreter tells what nobody caught
        traceback.print_exc()
    finally:
        try:
            atexit._run_exitfuncs()  # noqa: SLF001 - what a program does at its end
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _settle(part: Part, signals: set[int], parent: int) -> None:
    os.setsid()
    _die_with_parent(part.name)
    if os.getppid() != parent:  # it was killed before the kernel knew
        os._exit(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor
        os.dup2(nothing.fileno(), 0)
    os.dup2(part.out.fileno(), 1)
    os.dup2(part.error.fileno(), 2)
    for each in part.close:
        each.close()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)


def _die_with_parent(name: str) -> None:
    """Have the kernel end this process when the supervisor is killed (PR_SET_PDEATHSIG is 1), and show its part (15)."""
    import ctypes  # noqa: PLC0415 - Linux alone

    library = ctypes.CDLL(None)
    library.prctl(1, signal.SIGTERM)
    library.prctl(15, f"lineal-{name}"[:15].encode())
