"""`lineal up`: everything that one machine needs, under one process, on embedded defaults."""

import json
import os
import sys
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

import click

from config import database
from config.environment import BadSetting
from config.home import CannotStart, prepare_home
from config.listening import allow_host, bracketed, refuse_open_door, refuse_taken_port
from config.processes import Fleet, HomeTaken, web_command, worker_command

START_LIMIT_S = 60  # migrations of a large store take their time
STRANGER_CHECKS = 8  # each of two servers on one port gets about half of the connections


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=None, help="Folder of all the server owns [.lineal].")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--browser/--no-browser", default=None, help="Open the one-time link [only in a terminal].")
@click.option("--insecure", is_flag=True, help="Listen beyond loopback without TLS in front.")
def up(home: Path | None, port: int, host: str, browser: bool | None, insecure: bool) -> None:
    """Start the Lineal server: web, worker, beat and ledger sequencer.

    Needs no configuration: makes an owner on first start, keeps all it owns in --home, and prints a one-time link.
    Ends cleanly on Ctrl-C or SIGTERM.
    """
    os.umask(0o077)
    folder = prepare_home(home)
    refuse_open_door(host, insecure=insecure)
    refuse_taken_port(host, port)
    url = os.environ.get("LINEAL_PUBLIC_URL") or f"http://{bracketed(host)}:{port}"
    os.environ |= {"LINEAL_HOME": str(folder), "LINEAL_PUBLIC_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    allow_host(host)
    try:
        database.web_workers()
        fleet = Fleet(folder)
    except (HomeTaken, BadSetting) as exc:
        raise CannotStart(str(exc)) from exc
    with fleet:
        link = _bootstrap(fleet, url)
        fleet.start({"web": web_command(host, port), "worker": worker_command()})
        fleet.wait_until(lambda: _answers(host, port), limit_s=START_LIMIT_S, what="the web process to answer")
        _refuse_stranger(host, port, folder)
        _announce(folder, url, link)
        if browser or (browser is None and sys.stdout.isatty() and _has_display()):
            webbrowser.open(link)
        code = fleet.supervise()
    sys.exit(code)


def _bootstrap(fleet: Fleet, url: str) -> str:
    """Migrate, make owner and keys if there are none; the one-time link. In a process of its own, as every part is."""
    try:
        *warnings, link = fleet.bootstrap(url).splitlines()
    except RuntimeError as exc:
        raise CannotStart(str(exc)) from exc
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    return link


def _answers(host: str, port: int) -> bool:
    try:
        return _ask(host, port, "/healthz") is not None
    except (urllib.error.URLError, OSError):
        return False


def _refuse_stranger(host: str, port: int, home: Path) -> None:
    """Raises CannotStart when another server shares the port: two that start at once may both find it free."""
    expected = (home / "keys" / "log.vkey").read_text().strip()
    for _ in range(STRANGER_CHECKS):  # the system spreads connections over all that listen
        found = json.loads(_ask(host, port, "/api/v1/server")).get("vkey")
        if found != expected:
            raise CannotStart(f"Another Lineal server answers on port {port} as well. Choose another with --port.")


def _ask(host: str, port: int, path: str) -> bytes:
    target = "127.0.0.1" if host in ("0.0.0.0", "localhost") else "[::1]" if host == "::" else bracketed(host)  # noqa: S104 - compared, not bound
    request = urllib.request.Request(f"http://{target}:{port}{path}", headers={"Host": f"localhost:{port}"})
    with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310 - our own server
        return bytes(response.read())


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _announce(folder: Path, url: str, link: str) -> None:
    click.echo(f"Lineal is running at {url}  (home {folder})")
    click.echo(f"Open it once, within ten minutes:  {link}")
    click.echo("SDK and CLI on this machine are signed in as owner. Ctrl-C stops the server.")
    sys.stdout.flush()


__all__ = ["CannotStart", "up"]
