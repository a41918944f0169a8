"""`lineal monitors`: how versions are watched in production, and how they do."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from lineal.cli.exits import CommandFailed
from lineal.cli.options import Caller, Duration, connected, limited
from lineal.cli.server import path
from lineal.cli.text import shown_duration, shown_time

_RENAMED = {"window": "window_s", "grace": "grace_s", "silence": "silence_windows", "learn": "learn_windows"}


@click.group()
def monitors() -> None:
    """How versions are watched in production, and how they do."""


@monitors.command("list")
@click.option("--model", metavar="NAME")
@click.option("--environment", "--env", "environment", metavar="NAME")
@limited
@connected
def list_monitors(caller: Caller, *, model: str | None, environment: str | None, limit: int) -> None:
    """List monitors, newest first."""
    columns = [
        ("monitor", lambda row: row.get("id")),
        ("version", _version),
        ("environment", lambda row: row.get("environment")),
        ("window", lambda row: shown_duration(row.get("window_s") or 0)),
        ("last", lambda row: row.get("last_state")),
        ("of", lambda row: shown_time(row.get("last_start"))),
        ("enabled", lambda row: row.get("enabled")),
        ("owner", lambda row: row.get("owner")),
    ]
    rows = caller.server.items("monitors", limit=limit, model=model, environment=environment)
    caller.output.listing(rows, columns, empty="no monitors")


@monitors.command("show")
@click.argument("which", metavar="MODEL@ENVIRONMENT|ID")
@limited
@connected
def show_monitor(caller: Caller, *, which: str, limit: int) -> None:
    """Show a monitor's latest windows; with --json its settings, too."""
    monitor = find_monitor(caller, which)
    windows = list(caller.server.items(path("monitors", monitor["id"], "windows"), limit=limit))
    if caller.output.as_json:
        caller.output.done({**monitor, "windows": windows}, "")
        return
    columns = [
        ("window", lambda row: row.get("id")),
        ("start", lambda row: shown_time(row.get("start"))),
        ("state", lambda row: row.get("state")),
        ("verdict", lambda row: (row.get("evaluation") or {}).get("state")),
        ("rows", lambda row: (row.get("evaluation") or {}).get("rows")),
        ("alarms", lambda row: ", ".join(sorted((row.get("evaluation") or {}).get("alarms") or {})) or None),
        ("detail", lambda row: row.get("detail")),
    ]
    caller.output.listing(windows, columns, empty=f"no windows of {_version(monitor)} in {monitor['environment']} yet")


@monitors.command("set")
@click.argument("which", metavar="MODEL@ENVIRONMENT|ID")
@click.option("--enable/--disable", "enabled", default=None)
@click.option("--window", type=Duration(), metavar="DURATION", help="Length of a window, from the next one on.")
@click.option("--grace", type=Duration(), metavar="DURATION", help="How long after its end it waits for more.")
@click.option("--severity", type=click.Choice(["warn", "critical"]), help="The least that opens an alert.")
@click.option("--limits", metavar="FILE", help="Limits that differ from the defaults, as JSON; replaces all of them.")
@click.option("--include", multiple=True, metavar="COLUMN", help="Look at these features alone; may be repeated.")
@click.option("--exclude", multiple=True, metavar="COLUMN", help="Do not look at these columns; may be repeated.")
@click.option("--all-columns", is_flag=True, help="Look at every column again.")
@click.option("--quiet", metavar="HH:MM-HH:MM", help="Tell nobody anything in these hours; `none` ends that.")
@click.option("--timezone", default="UTC", show_default=True, metavar="ZONE", help="Of the quiet hours.")
@click.option("--silence", type=click.IntRange(0), metavar="N", help="An alert after so many windows without data.")
@click.option("--learn", type=click.IntRange(0), metavar="N", help="Learn from so many windows that are well.")
@click.option("--owner", metavar="NAME")
@connected
def set_monitor(caller: Caller, *, which: str, **options: Any) -> None:
    """Change a monitor; what is not named stays."""
    changes = _changes(options)
    if not changes:
        raise click.UsageError("say what to change, as --window 1h or --disable")
    monitor = find_monitor(caller, which)
    changed = caller.server.patch(path("monitors", monitor["id"]), changes)
    state = "enabled" if changed.get("enabled") else "disabled"
    caller.output.done(changed, f"monitor of {_version(changed)} in {changed.get('environment')} is {state}")


def find_monitor(caller: Caller, which: str) -> Mapping[str, Any]:
    """By id, or the newest one of a model in an environment."""
    model, at, environment = which.rpartition("@")
    if not at:
        found: Mapping[str, Any] = caller.server.get(path("monitors", which))
        return found
    rows = caller.server.items("monitors", limit=1, model=model, environment=environment)
    newest: Mapping[str, Any] | None = next(iter(rows), None)
    if newest is None:
        raise CommandFailed(f"no version of {model!r} is watched in {environment!r}")
    return newest


def _changes(options: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in ("enabled", "window", "grace", "severity", "silence", "learn", "owner"):
        value = options[name]
        if value is not None:
            changes[_RENAMED.get(name, name)] = int(value.total_seconds()) if isinstance(value, timedelta) else value
    if options["limits"] is not None:
        changes["limits"] = _read_limits(options["limits"])
    if options["include"] or options["exclude"] or options["all_columns"]:
        if options["all_columns"] and (options["include"] or options["exclude"]):
            raise click.UsageError("--all-columns goes with neither --include nor --exclude")
        changes["columns"] = {"include": list(options["include"]), "exclude": list(options["exclude"])}
    if options["quiet"] is not None:
        changes["quiet_hours"] = _quiet_hours(options["quiet"], options["timezone"])
    return changes


def _read_limits(file: str) -> Any:
    try:
        return json.loads(Path(file).read_text())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--limits {file}: {error}") from error


def _quiet_hours(text: str, timezone: str) -> dict[str, str] | None:
    if text == "none":
        return None
    begin, dash, end = text.partition("-")
    if not dash:
        raise click.UsageError(f"--quiet {text!r}: write it as 22:00-07:00, or none")
    return {"from": begin.strip(), "to": end.strip(), "timezone": timezone}


def _version(row: Mapping[str, Any]) -> str:
    version = row.get("version") or {}
    return f"{version.get('model')}/{version.get('number')}"
