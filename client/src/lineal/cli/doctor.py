"""`lineal doctor`: server, ledger key, token, clock, credentials file and spool, each with a word on what to do."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import click

from lineal import _settings
from lineal._credentials import read_credentials
from lineal._errors import LinealError, NotConfigured, ServerKeyChanged
from lineal.cli.exits import ExitCode, leave
from lineal.cli.options import Caller, connected_to_server
from lineal.cli.text import shown_size

LARGEST_SKEW_S = 5.0  # beyond it, the client's times of runs look wrong beside the server's
SMALLEST_FREE_BYTES = 1024**3


class Finding(NamedTuple):
    """One thing looked at: `ok`, `warn` (works, but look) or `fail`."""

    check: str
    state: str
    detail: str


@click.command()
@connected_to_server
def doctor(caller: Caller) -> None:
    """Check server, credentials, spool and clock. Exit code 1 if anything fails."""
    findings = [*_credentials_file(), *_server(caller), *_spool()]
    rows = [finding._asdict() for finding in findings]
    columns = [(name, _reader(name)) for name in Finding._fields]
    caller.output.listing(rows, columns, empty="")
    if any(finding.state == "fail" for finding in findings):
        leave(ExitCode.FAILED)


def _reader(name: str) -> Callable[..., object]:
    return lambda row: row[name]


def _credentials_file() -> Iterator[Finding]:
    file = _settings.credentials_file()
    if not file.exists():
        yield Finding("credentials", "ok", f"no {file}; LINEAL_URL and LINEAL_TOKEN name the server")
        return
    try:
        known = sorted(read_credentials()["origins"])
    except NotConfigured as error:
        yield Finding("credentials", "fail", str(error))
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    yield Finding("credentials", "ok", f"{file} (mode {mode:04o}) knows {', '.join(known) or 'no server'}")


def _server(caller: Caller) -> Iterator[Finding]:
    try:
        server = caller.server.get("server")
        skew_s = _clock_skew_s(caller)
    except ServerKeyChanged as error:
        yield Finding("ledger key", "fail", str(error))
        return
    except LinealError as error:
        yield Finding("server", "fail", str(error))
        return
    yield Finding("server", "ok", f"{caller.server.base_url} runs {server.get('name')} {server.get('version')}")
    yield Finding("ledger key", "ok", f"as pinned: {caller.server.vkey}")
    yield _clock(skew_s)
    yield _token(caller)


def _clock_skew_s(caller: Caller) -> float | None:
    """The server's clock minus this machine's, true to about a second (HTTP dates have no fractions)."""
    try:
        date = parsedate_to_datetime(caller.server.headers("server").get("Date") or "")
    except ValueError:
        return None
    return (date.astimezone(UTC) - datetime.now(UTC)).total_seconds() + 0.5


def _clock(skew_s: float | None) -> Finding:
    if skew_s is None:
        return Finding("clock", "warn", "the server states no date")
    state = "ok" if abs(skew_s) <= LARGEST_SKEW_S else "warn"
    return Finding("clock", state, f"the server's is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}")


def _token(caller: Caller) -> Finding:
    try:
        me = caller.server.get("me")
    except LinealError as error:
        return Finding("token", "fail", str(error))
    return Finding("token", "ok", f"accepted as {me['account']['name']}")


def _spool() -> Iterator[Finding]:
    folder = _settings.spool_dir()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        yield Finding("spool", "fail", f"{folder} cannot be written: logged values would be lost (LINEAL_SPOOL_DIR)")
        return
    free = shutil.disk_usage(nearest).free
    yield Finding("disk", "ok" if free >= SMALLEST_FREE_BYTES else "warn", f"{shown_size(free)} free for {folder}")
    yield from _left_overs(folder)


def _left_overs(folder: Path) -> Iterator[Finding]:
    from lineal._spool import sizes_below
    from lineal._sync import monitor_folders, writer_folders

    waiting = sum(1 for _ in writer_folders(folder)) + len(monitor_folders(folder))
    if not waiting:
        yield Finding("spool", "ok", "nothing is waiting")
        return
    size = shown_size(sum(sizes_below(folder)))
    jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
    yield Finding("spool", "warn", f"{jobs} in {folder} with {size}; `lineal sync` sends what has ended")
