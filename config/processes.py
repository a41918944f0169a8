"""The processes of `lineal up`: started, watched, started again when they die, and stopped in order."""

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Self

import click

from config import environment, forking, setting_up
from core.folders import make_private

LOOK_S = 0.2  # between two looks whether a start was broken off
STOP_SLACK_S = 12  # beyond LINEAL_STOP_S, before a process is killed
RESTART_PAUSE_S = 1.0
TOO_MANY_DEATHS = 5  # within DEATH_WINDOW_S: then it is not bad luck
DEATH_WINDOW_S = 60
LOG_LIMIT_BYTES = 20 * 1024 * 1024  # a log larger than this is moved aside
LOOK_AT_LOGS_S = 10.0
SEQUENCING = "worker"  # the process that has the sequencer


class HomeTaken(RuntimeError):
    """Another server runs on this home folder."""


def web_command(host: str, port: int) -> list[str]:
    """The door was looked at before."""
    return ["serve", "--host", host, "--port", str(port), "--insecure", "--drain", "0", "--wait", "0"]


def worker_command() -> list[str]:
    return ["background"]


def take_lock(home: Path) -> IO[str]:
    """The home's lock, held until it is closed or this process ends. Raises HomeTaken."""
    lock = (home / "run" / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.close()
        raise HomeTaken(f"A Lineal server already runs on {home}.") from exc
    return lock


@dataclass
class _Child:
    name: str
    command: Sequence[str]  # the role and its options
    process: forking.Process
    deaths: list[float] = field(default_factory=list)


class Fleet:
    """The processes of one home. A context: leaving it stops them all.

    Raises:
        HomeTaken: the home's lock is held by another server.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "log"
        for folder in (self.logs, home / "run"):
            make_private(folder)
        self._lock = take_lock(home)
        self._children: dict[str, _Child] = {}
        if forking.can_fork():
            forking.preload(setting_up.preload)
        self._stopping = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._lock.close()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def bootstrap(self, url: str) -> str:
        """What `config.bootstrap` says for a server at `url`. Raises RuntimeError with its last line of complaint if it fails."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            process = self._start("bootstrap", [url], out, error)
            code = self._wait_for(process)
            out.seek(0)
            error.seek(0)
            said, complaint = out.read().decode(), error.read().decode(errors="replace")
        if code:
            (self.logs / "bootstrap.log").write_text(complaint)
            last = complaint.strip().splitlines()[-1:] or ["no output"]
            raise RuntimeError(f"{last[0]} (all of it in {self.logs / 'bootstrap.log'})")
        return said.strip()

    def _wait_for(self, process: forking.Process) -> int:
        """Its code. Raises RuntimeError when told to stop meanwhile, and has ended it by then."""
        while not self._stopping:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(LOOK_S)
        _end([process])
        raise RuntimeError("Stopped before the server was ready.")

    def start(self, commands: Mapping[str, Sequence[str]]) -> None:
        for name, command in commands.items():
            self._children[name] = _Child(name, command, self._spawn(name, command))

    def _spawn(self, name: str, command: Sequence[str]) -> forking.Process:
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            return self._start(name, command, log, log)

    def _start(self, name: str, command: Sequence[str], out: IO[bytes], error: IO[bytes]) -> forking.Process:
        module = "config.bootstrap" if name == "bootstrap" else "config"
        if not forking.can_fork():
            return subprocess.Popen(
                [sys.executable, "-m", module, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=error,
                start_new_session=True,
            )
        run = functools.partial(_run, module, command)
        return forking.fork(forking.Part(name, run, out, error, close=[self._lock]))

    def wait_until(self, ready: Callable[[], bool], *, limit_s: float, what: str) -> None:
        """Raises click.ClickException when a process dies meanwhile or the time is up."""
        end = time.monotonic() + limit_s
        while not ready():
            dead = next((child for child in self._children.values() if child.process.poll() is not None), None)
            if dead is not None:
                raise click.ClickException(f"{dead.name} stopped at once: {self._last_words(dead.name)}")
            if self._stopping:
                raise click.ClickException("Stopped before the server was ready.")
            if time.monotonic() > end:
                raise click.ClickException(f"Waited {limit_s:.0f} s for {what}; see {self.logs}.")
            time.sleep(0.02)

    def _last_words(self, name: str) -> str:
        lines = (self.logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (see {self.logs / (name + '.log')})"

    def supervise(self) -> int:
        """Keep all running until a signal; the exit code: 0, or 1 when one of them keeps dying."""
        looked_at = time.monotonic()
        while not self._stopping:
            for child in self._children.values():
                if child.process.poll() is not None and not self._revive(child):
                    return 1
            if time.monotonic() - looked_at > LOOK_AT_LOGS_S:
                looked_at = time.monotonic()
                self._bound_logs()
            time.sleep(0.2)
        click.echo("Stopping …", err=True)
        return 0

    def _bound_logs(self) -> None:
        """Copy aside and empty a log that has grown too large. Its process appends, so it goes on at the new beginning; a line
        that it writes between the two steps is lost.
        """
        for path in self.logs.glob("*.log"):
            if path.stat().st_size > LOG_LIMIT_BYTES:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)

    def _revive(self, child: _Child) -> bool:
        """Start a dead process again. False when it has died too often to go on."""
        now = time.monotonic()
        child.deaths = [moment for moment in child.deaths if now - moment < DEATH_WINDOW_S] + [now]
        if len(child.deaths) >= TOO_MANY_DEATHS:
            click.echo(f"{child.name} keeps stopping: {self._last_words(child.name)}", err=True)
            return False
        click.echo(f"{child.name} stopped with code {child.process.returncode}; starting it again.", err=True)
        _end_orphans(child.process)
        time.sleep(RESTART_PAUSE_S)
        child.process = self._spawn(child.name, child.command)
        return True

    def stop(self) -> None:
        """End the processes; that of the sequencer last, so that all they wrote has its place in the ledger."""
        _end([child.process for name, child in self._children.items() if name != SEQUENCING])
        _end([child.process for name, child in self._children.items() if name == SEQUENCING])


def _run(module: str, command: Sequence[str]) -> None:
    """In a fork: what `python -m module command` does."""
    if module == "config.bootstrap":
        from config import bootstrap  # noqa: PLC0415 - needs settings

        setting_up.begin("bootstrap")
        bootstrap.command(command[0])
        return
    from config.__main__ import main  # noqa: PLC0415 - likewise

    main(list(command), prog_name="lineal")


def _end(processes: Sequence[forking.Process]) -> None:
    """Ask all of them at once, give each its time, then end what is left."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    limit_s = environment.positive("LINEAL_STOP_S") + STOP_SLACK_S
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(limit_s)
        _end_orphans(process)


def _end_orphans(process: forking.Process) -> None:
    """Kill what is left of the process and of those it started: a killed web server leaves its worker on the port."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
