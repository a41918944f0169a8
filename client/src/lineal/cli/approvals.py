"""`lineal approve`, `refuse` and `promotions`: people decide on what CI has asked for."""

from pathlib import Path
from typing import Any

import click

from lineal.cli.exits import CommandFailed, ExitCode, leave
from lineal.cli.options import Caller, Function, connected, limited, reasoned
from lineal.cli.output import print_json, say, write_file
from lineal.cli.references import DigestType
from lineal.cli.results import exit_code, subject, words
from lineal.cli.server import path
from lineal.cli.text import short_digest, shown_time


def _which_promotion(function: Function) -> Function:
    for option in (
        click.option("--digest", type=DigestType(), help="Decide only if the promotion is about this digest."),
        click.option("--environment", "--to", metavar="NAME", help="With --model: the environment asked for."),
        click.option("--model", metavar="NAME", help="In place of an id: the one promotion that waits for this model."),
        click.argument("promotion", required=False, metavar="[PROMOTION]"),
    ):
        function = option(function)
    return function


@click.command()
@_which_promotion
@reasoned
@connected
def approve(caller: Caller, **which: Any) -> None:
    """Approve a waiting promotion, by its id or by --model and --environment.

    The approval is for the digest that is shown, and the server refuses it for any other. Exit code 0 when it was
    recorded, even if more approvals are needed; otherwise that of the promotion (see `lineal promote --help`).
    """
    _decide(caller, "approve", {"promoted", "already", "waiting"}, **which)


@click.command()
@_which_promotion
@reasoned
@connected
def refuse(caller: Caller, **which: Any) -> None:
    """Refuse a waiting promotion, by its id or by --model and --environment."""
    _decide(caller, "refuse", {"refused"}, **which)


def _decide(
    caller: Caller,
    decision: str,
    expected: set[str],
    *,
    promotion: str | None,
    model: str | None,
    environment: str | None,
    digest: str | None,
    reason: str,
) -> None:
    waiting = _find(caller, promotion=promotion, model=model, environment=environment)
    if digest is not None and digest != waiting.get("digest"):
        raise CommandFailed(
            f"promotion {waiting['id']} is about {waiting.get('digest')}, not {digest}; nothing was decided"
        )
    body = {"decision": decision, "reason": reason, "digest": digest or waiting["digest"]}
    result = caller.server.post(path("promotions", waiting["id"], "approvals"), body)
    for line in words(result):
        click.echo(line, err=True)
    if caller.output.as_json:
        print_json(result)
    leave(ExitCode.OK if result.get("decision") in expected else exit_code(result))


def _find(caller: Caller, *, promotion: str | None, model: str | None, environment: str | None) -> dict[str, Any]:
    if promotion:
        if model or environment:
            raise click.UsageError("give the promotion's id, or --model and --environment, not both")
        return dict(caller.server.get(path("promotions", promotion)))
    if not model or not environment:
        raise click.UsageError("which promotion? Give its id, or --model and --environment")
    found = caller.server.items("promotions", limit=2, model=model, environment=environment, state="waiting")
    if not found:
        raise CommandFailed(f"no promotion of {model} to {environment} waits for approval")
    if len(found) > 1:
        ids = ", ".join(str(item["id"]) for item in found)
        raise CommandFailed(f"more than one promotion of {model} to {environment} waits ({ids}); give an id")
    return found[0]


@click.group()
def promotions() -> None:
    """List and show promotions."""


@promotions.command("list")
@click.option("--model", metavar="NAME")
@click.option("--environment", metavar="NAME")
@click.option("--state", metavar="STATE", help="waiting, committed, failed, refused, …")
@limited
@connected
def list_promotions(
    caller: Caller, *, model: str | None, environment: str | None, state: str | None, limit: int
) -> None:
    """List promotions, newest first."""
    rows = caller.server.items("promotions", limit=limit, model=model, environment=environment, state=state)
    columns = [
        ("id", lambda row: row.get("id")),
        ("version", subject),
        ("environment", lambda row: row.get("environment")),
        ("decision", lambda row: row.get("decision")),
        ("replaces", lambda row: short_digest((row.get("previous") or {}).get("digest"))),
        ("finished", lambda row: shown_time(row.get("finished_at"))),
    ]
    caller.output.listing(rows, columns, empty="no promotions")


@promotions.command("show")
@click.argument("promotion")
@connected
def show_promotion(caller: Caller, *, promotion: str) -> None:
    """Show one promotion with its gates and approvals."""
    result = caller.server.get(path("promotions", promotion))
    if caller.output.as_json:
        print_json(result)
        return
    for line in words(result):
        click.echo(line)


@promotions.command("receipt")
@click.argument("promotion")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to keep it in.")
@connected
def keep_receipt(caller: Caller, *, promotion: str, out: Path) -> None:
    """Download a promotion's signed receipt, which `lineal verify` checks offline, and say which key signed it."""
    receipt = caller.server.get(path("promotions", promotion)).get("receipt") or {}
    if not receipt.get("uri"):
        raise CommandFailed(f"promotion {promotion} has no receipt{' yet' if receipt else ''}")
    write_file(out, caller.server.text(receipt["uri"].partition("?")[0].removeprefix("/api/v1/")))
    vkey = caller.server.get("receipts/key")["vkey"]
    say(f"receipt of {promotion} kept in {out}; check it with --key {vkey}")
    caller.output.done({"file": str(out), "sha256": receipt.get("sha256"), "vkey": vkey}, str(out))
