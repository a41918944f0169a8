"""`lineal audit`: read the log of acts, take it away as a file, and check such a file with a public key alone."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from lineal.cli.exits import CommandFailed, ExitCode, leave, usage_error
from lineal.cli.keys import read_vkey
from lineal.cli.options import Caller, Moment, connected, connected_to_server, limited
from lineal.cli.output import Column, print_json, say, write_file
from lineal.cli.server import path, pinned_vkey
from lineal.cli.text import shown_time, wire_time


@click.group()
def audit() -> None:
    """Read, export and verify the audit log."""


_COLUMNS: list[Column] = [
    ("seq", lambda row: row.get("seq")),
    ("time", lambda row: shown_time(row.get("time"))),
    ("who", lambda row: _name(row.get("actor"))),
    ("action", lambda row: row.get("action")),
    ("on", lambda row: _name(row.get("target"))),
    ("outcome", lambda row: row.get("outcome")),
    ("reason", lambda row: row.get("reason")),
]


def _name(thing: object) -> object:
    """An actor or target by the name people know, else by its id."""
    return (thing.get("display") or thing.get("label") or thing.get("id")) if isinstance(thing, dict) else thing


_FILTERS = [
    click.option("--actor", metavar="NAME"),
    click.option("--action", metavar="NOUN.VERB", help="e.g. promotion.commit, or promotion.* for all of a noun."),
    click.option("--target-type", metavar="TYPE"),
    click.option("--target-id", metavar="ID"),
    click.option("--outcome", type=click.Choice(["ok", "denied", "error"])),
    click.option("--since", type=Moment(), metavar="TIME", help="e.g. 2026-11-01T00:00Z or 7d."),
    click.option("--until", type=Moment(), metavar="TIME"),
    click.option("--query", "q", metavar="TEXT"),
    click.option("--after", type=click.IntRange(-1), metavar="SEQ", help="Numbers in the log beyond this one."),
    click.option("--before", type=click.IntRange(0), metavar="SEQ", help="Numbers in the log below this one."),
]


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """The options that choose events."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _query(since: datetime | None, until: datetime | None, filters: Mapping[str, Any]) -> dict[str, Any]:
    times = {"since": wire_time(since) if since else None, "until": wire_time(until) if until else None}
    return {name: value for name, value in {**times, **filters}.items() if value is not None}


@audit.command("list")
@_filtered
@limited
@connected
def list_events(
    caller: Caller, *, limit: int, since: datetime | None, until: datetime | None, **filters: str | int | None
) -> None:
    """List audit events, newest first."""
    rows = caller.server.items("audit/events", limit=limit, **_query(since, until, filters))
    caller.output.listing(rows, _COLUMNS, empty="no events")


@audit.command("show")
@click.argument("event")
@click.option(
    "--private", is_flag=True, help="With addresses, devices and the like; the ledger records that you looked."
)
@click.option("--reason", default="", metavar="TEXT", help="Why you look, for the ledger.")
@connected
def show_event(caller: Caller, *, event: str, private: bool, reason: str) -> None:
    """Show one event in full, as JSON."""
    if reason and not private:
        raise usage_error("--reason goes with --private")
    if private:
        print_json(caller.server.post(path("audit", "events", event, "private"), {"reason": reason}))
    else:
        print_json(caller.server.get(path("audit", "events", event)))


@audit.command()
@click.argument("event")
@click.option(
    "--path", "paths", multiple=True, required=True, metavar="PATH", help="e.g. /actor/display; may be repeated."
)
@click.option("--reason", required=True, metavar="TEXT")
@connected
def erase(caller: Caller, *, event: str, paths: Sequence[str], reason: str) -> None:
    """Erase personal values of an event for good. Proofs stay valid; copies taken away before are not reached."""
    body = {"paths": list(paths), "reason": reason}
    found = caller.server.post(path("audit", "events", event, "erasure"), body)
    erased = found["erased"]
    caller.output.done(found, f"erased {', '.join(erased)}" if erased else "nothing was left to erase there")


@audit.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File; `-` is stdout.")
@click.option("--filtered", is_flag=True, help="Only what you may export (of --project), each event with its proof.")
@_filtered
@connected
def export(
    caller: Caller,
    *,
    out: Path,
    filtered: bool,
    since: datetime | None,
    until: datetime | None,
    **filters: str | int | None,
) -> None:
    """Take the log away as a file that `lineal audit verify` proves offline.

    The whole log needs a server admin; with --filtered, or any choice of events, approvers take the trails of their own
    projects away.
    """
    query = _query(since, until, filters)
    if filtered or query:
        query["filtered"] = "true"
    lines = caller.server.stream("audit/export", **query)
    if str(out) == "-":
        for chunk in lines:
            sys.stdout.buffer.write(chunk)
        return
    part = out.with_name(f"{out.name}.part")
    with part.open("wb") as file:
        for chunk in lines:
            file.write(chunk)
    part.replace(out)
    caller.output.done({"file": str(out), "size_bytes": out.stat().st_size}, f"exported to {out}")


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY",
    help="The log's verifier key, or a file with it; else the one that login pinned. Several after a rotation.",
)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that was kept elsewhere; may be repeated.",
)
@click.option("--url", metavar="URL", help="Without --key: the server whose pinned key is meant.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify(*, file: Path, keys: Sequence[str], anchors: Sequence[Path], url: str | None, as_json: bool) -> None:
    """Prove an exported log offline: needs the file and the public key, and no network.

    Exit codes: 0 proven, 1 tampered with or not proven, 2 usage.
    """
    from lineal._audit_verify import render, verify_export

    chosen = [read_vkey(key) for key in keys] or _pinned_keys(url)
    report = verify_export(file, chosen, anchors)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo(render(report), nl=False)
    leave(ExitCode.OK if report.verdict == "proven" else ExitCode.FAILED)


def _pinned_keys(url: str | None) -> list[str]:
    vkey = pinned_vkey(url)
    if vkey is None:
        raise usage_error("no key to check with: give --key, or log in to the server once, which pins its key")
    say(f"checking with the key that login pinned: {vkey}")
    return [vkey]


@audit.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep it here: it is an anchor.")
@connected_to_server
def checkpoint(caller: Caller, *, out: Path | None) -> None:
    """Print the newest signed checkpoint, checked against the pinned key.

    Keep it where the server cannot write, and nobody can cut or rewrite the log before it unseen.
    """
    from lineal._proofs import InvalidProof, parse_checkpoint, parse_key, split_note, verify_note

    note = caller.server.text("audit/checkpoint")
    vkey = caller.server.vkey
    try:
        head = parse_checkpoint(verify_note(note, parse_key(vkey)) if vkey else split_note(note)[0])
    except InvalidProof as error:
        raise CommandFailed(f"the server's checkpoint does not hold: {error}") from error
    if vkey is None:
        say("warning: no key is pinned for this server, so the signature was not checked")
    if out is not None:
        write_file(out, note)
        say(f"checkpoint of size {head.size} kept in {out}")
    if caller.output.as_json:
        print_json({"origin": head.origin, "size": head.size, "checked": vkey is not None, "note": note})
    elif out is None:
        click.echo(note, nl=False)
