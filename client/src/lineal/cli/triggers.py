"""`lineal triggers`: what starts retraining when something happens, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from lineal.cli.exits import CommandFailed
from lineal.cli.options import Caller, Duration, connected, limited
from lineal.cli.output import print_json, say
from lineal.cli.server import path
from lineal.cli.text import shown_time
from lineal.cli.trigger_wishes import changes_of, conditions, destinations, wish_of


@click.group()
def triggers() -> None:
    """Start a job elsewhere when something happens here."""


@triggers.command("list")
@limited
@connected
def list_triggers(caller: Caller, *, limit: int) -> None:
    """List triggers; never their credentials."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("on", lambda row: row.get("on")),
        ("filter", lambda row: _given(row.get("filter"))),
        ("action", lambda row: row.get("action")),
        ("address", lambda row: row.get("address")),
        ("enabled", lambda row: row.get("enabled")),
        ("last fired", lambda row: shown_time(row.get("last_fired_at"))),
        ("next", lambda row: shown_time(row.get("next_at"))),
        ("owner", lambda row: row.get("owner")),
    ]
    caller.output.listing(caller.server.items("triggers", limit=limit), columns, empty="no triggers")


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if value is not None}


@triggers.command("add")
@click.argument("name")
@conditions
@destinations
@click.option("--cool-down", type=Duration(), metavar="DURATION", help="Fire at most once in that time; 1h by default.")
@click.option("--owner", metavar="NAME", help="Who is asked about it; else yourself.")
@click.option("--disabled", is_flag=True, help="Make it, and let it wait for `lineal triggers set --enable`.")
@connected
def add_trigger(caller: Caller, *, name: str, **options: Any) -> None:
    """Make a trigger: one condition, one destination.

    \b
    Conditions   --cron '0 3 * * MON' [--timezone Europe/Berlin]
                 --dataset NAME
                 --alert [--kind KIND]… [--severity critical] [--model NAME] [--environment NAME]
    Destinations --webhook URL
                 --github OWNER/NAME [--event-type TEXT]      with a token
                 --gitlab PROJECT [--ref BRANCH]              with a token
                 --airflow DAG --address URL [--api v1|v2]    with a token or USER:PASSWORD

    The credential is read from stdin with --credential-stdin, and never from the command line. A webhook gets a secret,
    which is printed this once, alone on stdout.
    """
    trigger = caller.server.post("triggers", {"name": name, **wish_of(options)})
    if caller.output.as_json:
        print_json(trigger)
    elif trigger.get("secret"):
        say(f"trigger {name} signs its messages with this secret; it is not shown again")
        click.echo(trigger["secret"])
    else:
        click.echo(f"trigger {name} made")


@triggers.command("set")
@click.argument("name", metavar="NAME|ID")
@click.option("--enable/--disable", "enabled", default=None)
@click.option("--cool-down", type=Duration(), metavar="DURATION")
@click.option("--owner", metavar="NAME")
@click.option("--address", metavar="URL", help="Another host needs its credential anew.")
@click.option("--cron", metavar="FIELDS", help="Of a calendar; --timezone too, if it is not UTC.")
@click.option("--timezone", metavar="ZONE")
@click.option("--credential-stdin", is_flag=True, help="Read a new token, secret or USER:PASSWORD from stdin.")
@connected
def set_trigger(caller: Caller, *, name: str, **options: Any) -> None:
    """Change a trigger; what is not named stays."""
    trigger = _find(caller, name)
    changed = caller.server.patch(path("triggers", trigger["id"]), changes_of(options, trigger))
    state = "enabled" if changed.get("enabled") else "disabled"
    caller.output.done(changed, f"trigger {changed.get('name')} is {state}")


@triggers.command("remove")
@click.argument("name", metavar="NAME|ID")
@connected
def remove_trigger(caller: Caller, *, name: str) -> None:
    """Delete a trigger and its credentials. What came of its firings keeps its line to them."""
    trigger = _find(caller, name)
    caller.server.delete(path("triggers", trigger["id"]))
    caller.output.done({"id": trigger["id"], "removed": True}, f"removed trigger {trigger['name']}")


@triggers.command("fire")
@click.argument("name", metavar="NAME|ID")
@connected
def fire_trigger(caller: Caller, *, name: str) -> None:
    """Fire a trigger now, to see that it works; prints the cause that a run would name."""
    firing = caller.server.post(path("triggers", _find(caller, name)["id"], "fire"), None)
    caller.output.done(firing, f"cause:{firing['id']}")


@triggers.command("firings")
@click.argument("name", metavar="NAME|ID")
@click.option("--state", type=click.Choice(["pending", "sent", "failed", "suppressed"]))
@limited
@connected
def list_firings(caller: Caller, *, name: str, state: str | None, limit: int) -> None:
    """List why a trigger fired or did not, and what came of it; newest first."""
    columns = [
        ("cause", lambda row: row.get("id")),
        ("fired", lambda row: shown_time(row.get("fired_at"))),
        ("why", lambda row: (row.get("cause") or {}).get("label")),
        ("state", lambda row: row.get("state")),
        ("attempts", lambda row: row.get("attempts")),
        ("answer", lambda row: row.get("answer_status")),
        ("detail", lambda row: row.get("detail")),
        ("run", lambda row: row.get("run")),
        ("version", lambda row: _version(row.get("version"))),
    ]
    where = path("triggers", _find(caller, name)["id"], "firings")
    rows: Sequence[Mapping[str, Any]] = caller.server.items(where, limit=limit, state=state)
    caller.output.listing(rows, columns, empty=f"{name} has not fired")


def _version(version: Mapping[str, Any] | None) -> str | None:
    return f"{version['model']}/{version['number']}" if version else None


def _find(caller: Caller, name: str) -> Mapping[str, Any]:
    listed = caller.server.items("triggers", limit=10_000)
    found = next((trigger for trigger in listed if name in {trigger["name"], trigger["id"]}), None)
    if found is None:
        raise CommandFailed(f"there is no trigger {name!r}")
    return found
