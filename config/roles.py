"""One process each: `lineal serve`, `worker`, `beat`, `sequencer`, and `migrate` before them. `lineal up` starts all of them.

Each is told to stop with SIGTERM and ends with exit code 0 once it has finished or handed back what it had begun. What hinders
its start is one plain line and exit code 1.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from config import database, environment, setting_up
from config.environment import BadSetting
from config.home import CannotStart, home_folder, open_home, prepare_home
from core import logs, roster
from core.folders import make_private

DEFAULT_WAIT_S = 60.0
SLOW_LOOK_S = 2.0
TOLD_TO_STOP = 128 + signal.SIGTERM  # before it had begun; the first process of a container would not even hear of it

_home = click.option(
    "--home", type=click.Path(path_type=Path), default=None, help="Folder of keys and files [.lineal]."
)
_wait = click.option(
    "--wait", "wait_s", type=click.FloatRange(min=0), default=DEFAULT_WAIT_S, show_default=True, metavar="SECONDS",
    help="How long to wait for the database and its migrations.",
)  # fmt: skip


def plain(command: Callable[..., None]) -> Callable[..., None]:
    """A bad setting is one line, wherever it comes to light."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        os.umask(0o077)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TOLD_TO_STOP))  # until the role has a way of its own to stop
        try:
            command(*args, **options)
        except BadSetting as exc:
            raise CannotStart(str(exc)) from exc

    return run


@click.command()
@_home
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, database.MOST_WEB_WORKERS),
    default=None,
    help="Operating system processes [LINEAL_WEB_WORKERS].",
)
@click.option(
    "--threads", type=click.IntRange(1, 512), default=None, help="Requests at a time in each [LINEAL_WEB_THREADS]."
)
@click.option("--insecure", is_flag=True, help="Listen beyond loopback without TLS in front.")
@click.option(
    "--drain", "drain_s", type=click.FloatRange(0, 600), default=3.0, show_default=True, metavar="SECONDS",
    help="On SIGTERM, how long to serve on as not ready, so that balancers turn away first.",
)  # fmt: skip
@_wait
@plain
def serve(
    *,
    home: Path | None,
    host: str,
    port: int,
    workers: int | None,
    threads: int | None,
    insecure: bool,
    drain_s: float,
    wait_s: float,
) -> None:
    """Answer HTTP: pages, REST, health. Several may run on one PostgreSQL, on any number of machines."""
    from config import listening  # noqa: PLC0415 - reads the environment
    from config.serve import serve as run  # noqa: PLC0415 - granian is the web's alone

    folder = open_home(home)
    os.environ["LINEAL_HOME"] = str(folder)
    listening.refuse_open_door(host, insecure=insecure)
    listening.refuse_taken_port(host, port)
    listening.allow_host(host)
    os.environ.setdefault("LINEAL_PUBLIC_URL", f"http://{listening.bracketed(host)}:{port}")
    workers = database.web_workers(workers)
    threads = threads or environment.positive("LINEAL_WEB_THREADS")
    stop_s = environment.positive("LINEAL_STOP_S")
    if wait_s:
        _look_first(wait_s)
    run_folder = _run_folder()
    say(f"web: {host}:{port}, {workers} × {threads} requests at a time")
    run(host=host, port=port, workers=workers, threads=threads, drain_s=drain_s, stop_s=stop_s, run_folder=run_folder)


@click.command()
@_home
@click.option(
    "--concurrency", type=click.IntRange(1, 256), default=None, help="Jobs at a time [4 on PostgreSQL, 1 on SQLite]."
)
@click.option("--check", is_flag=True, help="Only say whether a worker of this host lives; exit code 1 if none does.")
@_wait
@plain
def worker(*, home: Path | None, concurrency: int | None, check: bool, wait_s: float) -> None:
    """Do what requests leave for later.

    Judges windows, delivers webhooks, verifies files, issues receipts. Any number may run.
    """
    _prepare("worker", home, check=check, wait_s=wait_s)
    work(concurrency=concurrency)


def work(*, concurrency: int | None, at_end: Callable[[], None] = lambda: None) -> None:
    """Be a worker until a signal, in the main thread of a process that has begun as one. `at_end` is called when the last job has
    ended or has been given back.
    """
    from django.conf import settings  # noqa: PLC0415 - is set up now

    from config import celery  # noqa: PLC0415

    threads = concurrency or (4 if _is_postgresql() else 1)
    say(f"worker: {threads} at a time, broker: {settings.BROKER['kind']}")
    celery.run_worker(threads, at_end)


@click.command()
@_home
@click.option("--check", is_flag=True, help="Only say whether a beat of this host lives; exit code 1 if none does.")
@_wait
@plain
def beat(*, home: Path | None, check: bool, wait_s: float) -> None:
    """Promise the periodic jobs when their turns come. Several may run: each turn is taken once."""
    _prepare("beat", home, check=check, wait_s=wait_s)
    from core import periodic  # noqa: PLC0415 - needs settings

    say("beat")
    periodic.run(_stop_on_signal(), roster.touch)


@click.command()
@_home
@click.option(
    "--check", is_flag=True, help="Only say whether a sequencer of this host lives; exit code 1 if none does."
)
@_wait
@plain
def sequencer(*, home: Path | None, check: bool, wait_s: float) -> None:
    """Number, hash and sign the ledger's events.

    Needs the log's key. Several may run with the same one; one works at a time.
    """
    _prepare("sequencer", home, check=check, wait_s=wait_s)
    from django.core.management import CommandError, call_command  # noqa: PLC0415 - needs settings

    say("sequencer")
    try:
        call_command("audit_sequencer", on_beat=roster.touch)
    except CommandError as exc:
        raise CannotStart(str(exc)) from exc


@click.command()
@_home
@_wait
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plain
def migrate(*, home: Path | None, wait_s: float, as_json: bool) -> None:
    """Bring the database up to this release.

    Makes the keys and the owner where there are none. Runs before the other processes.

    Uses LINEAL_DATABASE_MIGRATE_URL where that is set, and grants the role of LINEAL_DATABASE_URL what it needs. Started several
    times at once, one does it and the others wait.
    """
    from config import bootstrap  # noqa: PLC0415 - reads the environment

    os.environ["LINEAL_HOME"] = str(prepare_home(home))
    applied = bootstrap.migrate(wait_s)
    warning = _make_keys(bootstrap.make_keys)
    token = bootstrap.ensure_owner(renew=False)
    owner = str(home_folder(home) / "owner.token") if token else None
    if as_json:
        click.echo(json.dumps({"applied": applied, "owner_token_file": owner, "warning": warning}))
        return
    click.echo(f"Applied {len(applied)} migrations: {', '.join(applied)}" if applied else "The database is up to date.")
    click.echo(f"The owner's token is in {owner}" if owner else "The owner's token is not in this home.")
    for line in filter(None, [warning, *bootstrap.role_warnings()]):
        click.echo(line, err=True)


@click.command("owner-link")
@_home
@plain
def owner_link(*, home: Path | None) -> None:
    """Make a one-time link that signs a browser in as the owner.

    For whoever may work on the server itself, as `docker compose exec web lineal owner-link`. It works once, within ten minutes, and
    is on the ledger.
    """
    os.environ["LINEAL_HOME"] = str(open_home(home))
    import django  # noqa: PLC0415 - reads the environment

    django.setup()
    from config import bootstrap, environment  # noqa: PLC0415 - needs settings

    wait_until_it_fits(0)
    click.echo(bootstrap.owner_link(environment.text("LINEAL_PUBLIC_URL") or "http://127.0.0.1:8765"))


def _make_keys(make: Callable[[], None]) -> str | None:
    from audit.keys import WrongKey  # noqa: PLC0415 - needs settings

    try:
        make()
    except WrongKey as exc:
        return f"Only the sequencer can do without this: {exc.detail}"
    return None


def _prepare(role: str, home: Path | None, *, check: bool, wait_s: float) -> None:
    """Home, apps and database of a process without a port. With `check`, answers and leaves instead."""
    if check:
        os.environ["LINEAL_HOME"] = str(home_folder(home))
        _check(role)
    begin_part(role, home=home, wait_s=wait_s)


def begin_part(role: str, *, home: Path | None, wait_s: float) -> None:
    """Be a process of `role`, with a home, apps, and a database that fits. Raises CannotStart, BadSetting."""
    os.environ["LINEAL_HOME"] = str(home_folder(home))
    open_home(home)
    os.environ[setting_up.ROLE] = role
    setting_up.begin(role)
    logging.captureWarnings(capture=True)
    _run_folder()
    wait_until_it_fits(wait_s)


def _check(role: str) -> None:
    age_s = roster.freshest_s(role, roster.folder(environment.run_folder()))
    if age_s is None:
        raise CannotStart(f"No {role} runs on this host.")
    if age_s > roster.FRESH_S:
        raise CannotStart(f"The {role} gave its last sign of life {age_s:.0f} s ago.")
    click.echo(f"The {role} lives; last sign {age_s:.0f} s ago.")
    sys.exit(0)


def _look_first(wait_s: float) -> None:
    """Wait in a process that ends, so that the one that watches over the web's workers stays small."""
    done = subprocess.run([sys.executable, "-m", "config.roles", str(wait_s)], check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(done.returncode)


def wait_until_it_fits(wait_s: float) -> None:
    """Return when this code can work on the database.

    Raises:
        CannotStart: it was not reached or not migrated in `wait_s`, or is of a newer release.
    """
    from config import migrating  # noqa: PLC0415 - needs settings
    from core import schema  # noqa: PLC0415

    until, told = time.monotonic() + wait_s, False
    migrating.wait_for_database(until)
    while (misfit := schema.find_misfit()) is not None:
        if not misfit.may_pass or time.monotonic() > until:
            raise CannotStart(misfit.detail)
        if not told:
            say(f"Waiting. {misfit.detail}")
            told = True
        time.sleep(min(SLOW_LOOK_S, max(0.1, until - time.monotonic())))


def _run_folder() -> Path:
    folder = environment.run_folder()
    try:
        make_private(folder)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        raise CannotStart(
            f"{folder} cannot be written: {exc.strerror}. Name another folder in LINEAL_RUN_DIR."
        ) from exc
    return folder


def _is_postgresql() -> bool:
    return os.environ.get("LINEAL_DATABASE_URL", "").startswith("postgres")


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def say(line: str) -> None:
    """In the form of the log, which is where it lands; at every level."""
    record = logging.LogRecord("lineal.process", logging.INFO, "", 0, line, None, None)
    click.echo(logs.make_formatter().format(record), err=True)


@click.command()
@click.argument("wait_s", type=float)
@plain
def _wait_alone(wait_s: float) -> None:
    import django  # noqa: PLC0415

    django.setup()
    wait_until_it_fits(wait_s)


if __name__ == "__main__":
    _wait_alone()
