"""`lineal intake`: addresses to which other tools send signed verdicts."""

from collections.abc import Mapping
from typing import Any

import click

from lineal.cli.exits import CommandFailed
from lineal.cli.options import Caller, connected, limited
from lineal.cli.output import print_json, say
from lineal.cli.server import path
from lineal.cli.text import shown_time


@click.group()
def intake() -> None:
    """Addresses to which other tools send signed verdicts."""


@intake.command("list")
@limited
@connected
def list_hooks(caller: Caller, *, limit: int) -> None:
    """List the hooks; never their secrets."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("model", lambda row: row.get("model")),
        ("at", lambda row: row.get("at")),
        ("enabled", lambda row: row.get("enabled")),
        ("last message", lambda row: shown_time(row.get("last_received_at"))),
        ("address", lambda row: _address(caller, row)),
    ]
    caller.output.listing(caller.server.items("intake-hooks", limit=limit), columns, empty="no intake hooks")


def _address(caller: Caller, hook: Mapping[str, Any]) -> str | None:
    return caller.server.page(hook.get("path"))


@intake.command("add")
@click.argument("name")
@click.option("--model", required=True, metavar="NAME", help="Its versions get the evidence.")
@click.option("--at", metavar="NAME", help="The version this environment or alias points at; else the newest.")
@connected
def add_hook(caller: Caller, *, name: str, model: str, at: str | None) -> None:
    """Make a hook and print its secret, this once, on stdout."""
    hook = caller.server.post("intake-hooks", {"name": name, "model": model, **({"at": at} if at else {})})
    _show_secret(caller, hook)


@intake.command("renew")
@click.argument("name", metavar="NAME|ID")
@connected
def renew_secret(caller: Caller, *, name: str) -> None:
    """Replace the secret at once, and print the new one, this once, on stdout."""
    _show_secret(caller, caller.server.post(path("intake-hooks", _find(caller, name)["id"], "secret"), None))


def _show_secret(caller: Caller, hook: Mapping[str, Any]) -> None:
    if caller.output.as_json:
        print_json(hook)
        return
    say(f"intake hook {hook['name']}: POST to {_address(caller, hook)}; the secret is not shown again")
    click.echo(hook["secret"])


@intake.command("set")
@click.argument("name", metavar="NAME|ID")
@click.option("--at", metavar="NAME", help='An environment or alias; "" for the newest version.')
@click.option("--enable/--disable", "enabled", default=None)
@connected
def set_hook(caller: Caller, *, name: str, at: str | None, enabled: bool | None) -> None:
    """Point a hook elsewhere, or switch it off and on."""
    changes = {key: value for key, value in {"at": at, "enabled": enabled}.items() if value is not None}
    if not changes:
        raise click.UsageError("say what to change: --at, --enable or --disable")
    hook = caller.server.patch(path("intake-hooks", _find(caller, name)["id"]), changes)
    state = "enabled" if hook.get("enabled") else "disabled"
    caller.output.done(hook, f"intake hook {hook.get('name')} is {state}, at {hook.get('at') or 'the newest version'}")


@intake.command("remove")
@click.argument("name", metavar="NAME|ID")
@connected
def remove_hook(caller: Caller, *, name: str) -> None:
    """End a hook. The evidence that came through it stays."""
    hook = _find(caller, name)
    caller.server.delete(path("intake-hooks", hook["id"]))
    caller.output.done({"id": hook["id"], "removed": True}, f"removed intake hook {hook['name']}")


def _find(caller: Caller, name: str) -> Mapping[str, Any]:
    hooks = caller.server.items("intake-hooks", limit=10_000)
    found = next((hook for hook in hooks if name in {hook["name"], hook["id"]}), None)
    if found is None:
        raise CommandFailed(f"there is no intake hook {name!r}")
    return found
