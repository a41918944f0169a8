"""`lineal artifacts`: the files of a run, and bringing them here checked against their digests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lineal._downloads import Wish, below
from lineal.cli.exits import CommandFailed
from lineal.cli.options import Caller, connected
from lineal.cli.output import say
from lineal.cli.server import path
from lineal.cli.text import shown_size

_ALL = 1_000_000  # files of one run; more than any run has


@click.group()
def artifacts() -> None:
    """The files of a run."""


@artifacts.command("list")
@click.argument("run")
@click.option("--prefix", default="", metavar="PATH", help="Only below this folder.")
@connected
def list_artifacts(caller: Caller, *, run: str, prefix: str) -> None:
    """List a run's files."""
    columns = [
        ("path", lambda row: row.get("path")),
        ("size", lambda row: shown_size(row.get("size"))),
        ("state", lambda row: row.get("state")),
        ("sha256", lambda row: row.get("sha256")),
    ]
    caller.output.listing(_files(caller, run, prefix), columns, empty="no artifacts")


@artifacts.command("download")
@click.argument("run")
@click.argument("prefix", metavar="[PATH]", default="")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder.")
@connected
def download_artifacts(caller: Caller, *, run: str, prefix: str, folder: Path) -> None:
    """Download a file or folder of a run (all of it if no PATH is given); every byte is checked against its digest."""
    files = _files(caller, run, prefix)
    if not files:
        raise CommandFailed(f"run {run} has no artifact under {prefix!r}" if prefix else f"run {run} has no artifacts")
    caller.server.bring([_wish(run, file, folder) for file in files], _say_done)
    caller.output.done(files, f"downloaded {len(files)} file{'s' if len(files) > 1 else ''} to {folder}")


def _files(caller: Caller, run: str, prefix: str) -> list[dict[str, Any]]:
    return caller.server.items(
        path("runs", run, "artifacts"), limit=_ALL, prefix=prefix or None, recursive="true", links="true"
    )


def _wish(run: str, file: Mapping[str, Any], folder: Path) -> Wish:
    return Wish(
        f"/{path('runs', run, 'artifacts', 'content')}",
        {"path": file["path"]},
        str(file["sha256"]).removeprefix("sha256:"),
        int(file["size"]),
        below(folder, str(file["path"])),
        file.get("link"),
        (f"/{path('runs', run, 'artifacts', 'contents', 'search')}", str(file["path"])),
    )


def _say_done(wish: Wish) -> None:
    say(f"{wish.destination} ({shown_size(wish.size)})")
