"""`lineal artifacts`: the files of a run, and bringing them here checked against their digests."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click

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
    for file in files:
        _download(caller, run, file, folder)
    caller.output.done(files, f"downloaded {len(files)} file{'s' if len(files) > 1 else ''} to {folder}")


def _files(caller: Caller, run: str, prefix: str) -> list[dict[str, Any]]:
    return caller.server.items(path("runs", run, "artifacts"), limit=_ALL, prefix=prefix or None, recursive="true")


def _download(caller: Caller, run: str, file: Mapping[str, Any], folder: Path) -> None:
    destination = folder / _safe(str(file["path"]))
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f"{destination.name}.part")
    digest = hashlib.sha256()
    with part.open("wb") as target:
        for chunk in caller.server.stream(path("runs", run, "artifacts", "content"), path=file["path"]):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != str(file["sha256"]).removeprefix("sha256:"):
        part.unlink()
        raise CommandFailed(f"{file['path']} arrived with other bytes than its digest names; nothing was kept of it")
    part.replace(destination)
    say(f"{destination} ({shown_size(file.get('size'))})")


def _safe(recorded: str) -> PurePosixPath:
    """The recorded path, if it stays below the folder it is written to."""
    pure = PurePosixPath(recorded)
    if pure.is_absolute() or ".." in pure.parts or "\\" in recorded or "\0" in recorded or not pure.parts:
        raise CommandFailed(f"refusing to write {recorded!r}: the path leaves the folder")
    return pure
