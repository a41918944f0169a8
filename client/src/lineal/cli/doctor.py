"""`lineal doctor`: server, ledger key, token, clock, versions, credentials file and spool, each with a word on what to do; with
`--home`, what the server's distribution looks at on its own machine.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from lineal import _settings
from lineal._credentials import read_credentials
from lineal._errors import LinealError, NotConfigured, ServerKeyChanged
from lineal.cli.exits import CommandFailed, ExitCode, leave
from lineal.cli.options import Caller, connected_to_server
from lineal.cli.plugins import find_checks
from lineal.cli.text import parse_moment, shown_size

LARGEST_SKEW_S = 5.0  # beyond it, the client's times of runs look wrong beside the server's
SMALLEST_FREE_BYTES = 1024**3
WARN_BEFORE_DAYS = 14
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Finding(NamedTuple):
    """One thing looked at: `ok`, `warn` (works, but look) or `fail`, and what to do about the last two."""

    check: str
    state: str
    detail: str
    advice: str = ""


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Examine the server of this home instead, on its own machine.",
)
@click.option("--strict", is_flag=True, help="Take warnings for failures.")
@connected_to_server
def doctor(caller: Caller, home: Path | None, strict: bool) -> None:
    """Check server, credentials, spool and clock; with --home a server and all it stands on.

    Exit code 0 if all is well or there are only warnings, 1 if anything fails (with --strict: or is warned of), 2 for a
    mistake in the command. Nothing is changed, and no secret is shown.
    """
    found = _of_home(home) if home is not None else _of_client(caller)
    rows = [dict(row) for row in found]
    columns = [(name, _reader(key)) for name, key in COLUMNS]
    caller.output.listing(rows, columns, empty="")
    bad = {"fail", "warn"} if strict else {"fail"}
    if any(row["state"] in bad for row in rows):
        leave(ExitCode.FAILED)


COLUMNS = (("check", "check"), ("state", "state"), ("detail", "detail"), ("what to do", "advice"))


def _of_home(home: Path) -> Iterator[Mapping[str, str]]:
    """Raises CommandFailed where no server is installed."""
    checks = find_checks()
    if not checks:
        raise CommandFailed(
            "--home is for machines with the server, which is not installed here: pip install lineal-server"
        )
    for examine in checks:
        yield from examine(home)


def _of_client(caller: Caller) -> Iterable[Mapping[str, str]]:
    return [finding._asdict() for finding in (*_credentials_file(), *_server(caller), *_spool())]


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
        yield Finding("credentials", "fail", str(error), "Mend it as it says, or sign in anew: lineal login.")
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    yield Finding("credentials", "ok", f"{file} (mode {mode:04o}) knows {', '.join(known) or 'no server'}")


def _server(caller: Caller) -> Iterator[Finding]:
    try:
        server = caller.server.get("server")
        skew_s = _clock_skew_s(caller)
    except ServerKeyChanged as error:
        yield Finding("ledger key", "fail", str(error), "Ask whoever runs the server before you send it a token.")
        return
    except LinealError as error:
        yield Finding(
            "server", "fail", str(error), "Is it running, and is its address right? LINEAL_URL, or lineal login."
        )
        return
    yield Finding("server", "ok", f"{caller.server.base_url} runs {server.get('name')} {server.get('version')}")
    yield from _transport(caller)
    yield _versions(str(server.get("version", "")))
    yield Finding("ledger key", "ok", f"as pinned: {caller.server.vkey}")
    yield _clock(skew_s)
    yield from _token(caller)


def _transport(caller: Caller) -> Iterator[Finding]:
    """The certificate is checked by every request; here is what a request does not tell."""
    parts = urlsplit(caller.server.base_url)
    if parts.scheme == "https":
        yield _certificate(parts.hostname or "", parts.port or 443)
    elif parts.hostname not in LOOPBACK:
        advice = "Put TLS in front of the server, and sign in to its https address."
        yield Finding("transport", "warn", f"{caller.server.base_url} carries the token in the clear", advice)


def _certificate(host: str, port: int) -> Finding:
    import socket
    import ssl

    try:
        with (
            socket.create_connection((host, port), timeout=5) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as wire,
        ):
            ends_s = ssl.cert_time_to_seconds(str((wire.getpeercert() or {})["notAfter"]))
    except OSError as error:  # reached through a proxy, or trusted by a bundle of the client's own
        return Finding(
            "transport", "warn", f"the certificate of {host} cannot be read: {error}", "Look at it in a browser."
        )
    days = int((ends_s - datetime.now(UTC).timestamp()) // 86_400)
    state, advice = ("warn", "Have it renewed.") if days < WARN_BEFORE_DAYS else ("ok", "")
    return Finding("transport", state, f"TLS; the certificate is good for {days} days", advice)


def _versions(theirs: str) -> Finding:
    ours = version("lineal")
    if ours.split(".")[:2] == theirs.split(".")[:2]:
        return Finding("versions", "ok", f"client {ours}, server {theirs}")
    advice = "They speak the same API; still, move to the same release when you can."
    return Finding("versions", "warn", f"client {ours}, server {theirs}", advice)


def _clock_skew_s(caller: Caller) -> float | None:
    """The server's clock minus this machine's, true to about a second (HTTP dates have no fractions)."""
    try:
        date = parsedate_to_datetime(caller.server.headers("server").get("Date") or "")
    except ValueError:
        return None
    return (date.astimezone(UTC) - datetime.now(UTC)).total_seconds() + 0.5


def _clock(skew_s: float | None) -> Finding:
    if skew_s is None:
        return Finding("clock", "warn", "the server states no date", "A proxy may take it away; nothing else is wrong.")
    detail = f"the server's is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
    if abs(skew_s) <= LARGEST_SKEW_S:
        return Finding("clock", "ok", detail)
    return Finding("clock", "warn", detail, "Run NTP on both machines; times of runs look wrong until then.")


def _token(caller: Caller) -> Iterator[Finding]:
    try:
        me = caller.server.get("me")
    except LinealError as error:
        yield Finding("token", "fail", str(error), "Sign in with a token that holds: lineal login.")
        return
    auth = me.get("auth") or {}
    scopes = ", ".join(auth.get("scopes") or []) or "none"
    bound = f", for project {auth['project']} only" if auth.get("project") else ""
    yield Finding("token", "ok", f"accepted as {me['account']['name']}; scopes: {scopes}{bound}")
    yield from _expiry(caller, auth.get("token_id"))


def _expiry(caller: Caller, token_id: Any) -> Iterator[Finding]:
    """Nothing where the token may not look at itself, or never ends."""
    if not token_id:
        return
    try:
        ends_at = caller.server.get(f"tokens/{token_id}").get("expires_at")
    except LinealError:
        return
    if ends_at:
        days = (parse_moment(ends_at) - datetime.now(UTC)).days
        state, advice = ("warn", "Make another: lineal tokens create.") if days < WARN_BEFORE_DAYS else ("ok", "")
        yield Finding("token life", state, f"ends in {days} days", advice)


def _spool() -> Iterator[Finding]:
    folder = _settings.spool_dir()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        detail = f"{folder} cannot be written: logged values would be lost"
        yield Finding("spool", "fail", detail, "Mend its mode, or name another with LINEAL_SPOOL_DIR.")
        return
    free = shutil.disk_usage(nearest).free
    state, advice = (
        ("ok", "") if free >= SMALLEST_FREE_BYTES else ("warn", "Make room: what cannot be spooled is lost.")
    )
    yield Finding("disk", state, f"{shown_size(free)} free for {folder}", advice)
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding("spool mode", "warn", f"others may read {folder}", f"chmod 700 {folder}")
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
    yield Finding("spool", "warn", f"{jobs} in {folder} with {size}", "`lineal sync` sends what has ended.")
