"""What a monitor compares with and reads: `lineal monitors baseline`, `accept`, `sources`."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import click

from lineal.cli.monitors import find_monitor, monitors
from lineal.cli.options import Caller, connected, limited
from lineal.cli.profiles import read_key
from lineal.cli.server import path
from lineal.cli.text import shown_time


@monitors.command()
@click.argument("model")
@click.argument("version", metavar="VERSION")
@click.argument("profile", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key-file", metavar="FILE", help="The hashing key, if the profile has one of its own.")
@click.option("--reason", required=True, help="Kept on the ledger.")
@connected
def baseline(caller: Caller, *, model: str, version: str, profile: Path, key_file: str | None, reason: str) -> None:
    """Give VERSION of MODEL another baseline: the profile that `lineal profile --out FILE` has kept."""
    body: dict[str, Any] = {"profile": b64encode(profile.read_bytes()).decode(), "reason": reason}
    if key_file is not None:
        body["key"] = b64encode(read_key(key_file)).decode()
    put = caller.server.put(path("models", model, "versions", version, "baseline"), body)
    caller.output.done(put, f"{model}/{version} is compared with {put.get('rows'):,} rows from now on")


@monitors.command()
@click.argument("window", metavar="WINDOW")
@click.option("--reason", help="Why it is normal; kept with it.")
@click.option("--withdraw", is_flag=True, help="Do not take it as normal any more.")
@connected
def accept(caller: Caller, *, window: str, reason: str | None, withdraw: bool) -> None:
    """Take a window as normal; with fourteen of them, others are judged by how these vary."""
    where = path("windows", window, "acceptance")
    if withdraw:
        caller.server.delete(where)
        caller.output.done({"id": window}, f"window {window} is not taken as normal any more")
        return
    if not reason:
        raise click.UsageError("say why it is normal: --reason TEXT")
    caller.output.done(caller.server.put(where, {"reason": reason}), f"window {window} is taken as normal")


@monitors.group()
def sources() -> None:
    """Folders of Parquet that the server profiles by itself, window by window."""


@sources.command("list")
@click.argument("which", metavar="MODEL@ENVIRONMENT|ID")
@limited
@connected
def list_sources(caller: Caller, *, which: str, limit: int) -> None:
    """List what a monitor reads."""
    columns = [
        ("source", lambda row: row.get("id")),
        ("path", lambda row: row.get("path")),
        ("next", lambda row: shown_time(row.get("next_at"))),
        ("done", lambda row: shown_time(row.get("last_done_at"))),
        ("error", lambda row: row.get("last_error")),
    ]
    monitor = find_monitor(caller, which)
    rows = caller.server.items(path("monitors", monitor["id"], "sources"), limit=limit)
    caller.output.listing(rows, columns, empty="no sources: serving code sends profiles, or nothing does")


@sources.command("add")
@click.argument("which", metavar="MODEL@ENVIRONMENT|ID")
@click.argument("files", metavar="PATH")
@click.option("--predictions", metavar="COLUMN", help="The column of predictions.")
@click.option("--labels", metavar="COLUMN", help="The column of labels.")
@click.option("--daily-at", metavar="HH:MM", help="When files are there (UTC); else as soon as a window has ended.")
@connected
def add_source(caller: Caller, *, which: str, files: str, **options: str | None) -> None:
    """Have PATH profiled, as '/data/fraud/%Y/%m/%d/*.parquet'; the server has to be allowed to read there."""
    monitor = find_monitor(caller, which)
    body = {"path": files, **{name: value for name, value in options.items() if value is not None}}
    made = caller.server.post(path("monitors", monitor["id"], "sources"), body)
    caller.output.done(made, f"source {made.get('id')} is read next at {shown_time(made.get('next_at'))}")


@sources.command("remove")
@click.argument("which", metavar="MODEL@ENVIRONMENT|ID")
@click.argument("source")
@connected
def remove_source(caller: Caller, *, which: str, source: str) -> None:
    """Read it no more; what was profiled stays."""
    monitor = find_monitor(caller, which)
    caller.server.delete(path("monitors", monitor["id"], "sources", source))
    caller.output.done({"id": source}, f"source {source} is read no more")
