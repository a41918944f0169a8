"""`lineal webhooks`: who is told of what happens in a project, by webhook, Slack, Teams or e-mail, and what came of it."""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import click

from lineal.cli.exits import CommandFailed
from lineal.cli.options import Caller, Duration, Function, connected, limited
from lineal.cli.output import print_json, say
from lineal.cli.server import path
from lineal.cli.text import shown_time

_FIRST_POLL_S, _LONGEST_POLL_S = 0.2, 2.0
_SEVERITIES = click.Choice(["info", "warn", "critical"])
_LARGEST = 10_000


def _wishes(function: Function) -> Function:
    for option in (
        click.option("--event", "events", multiple=True, metavar="PATTERN", help="As alert.*; may be repeated."),
        click.option("--severity", "least_severity", type=_SEVERITIES, help="What is milder is not told."),
    ):
        function = option(function)
    return function


@click.group()
def webhooks() -> None:
    """Tell a webhook, Slack, Teams or mailboxes what happens in a project."""


@webhooks.command("list")
@limited
@connected
def list_webhooks(caller: Caller, *, limit: int) -> None:
    """List subscriptions, with as much of where they lead as is no secret."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("kind", lambda row: row.get("kind")),
        ("target", lambda row: row.get("target")),
        ("events", lambda row: ", ".join(row.get("events") or [])),
        ("least", lambda row: row.get("least_severity")),
        ("state", _state),
        ("last message", lambda row: shown_time(row.get("last_at"))),
        ("came to", lambda row: row.get("last_state")),
    ]
    caller.output.listing(caller.server.items("subscriptions", limit=limit), columns, empty="no subscriptions")


def _state(row: Mapping[str, Any]) -> str:
    if not row.get("enabled"):
        return "disabled"
    return "failing" if row.get("failing_since") else "enabled"


@webhooks.command("add")
@click.argument("name")
@click.option("--webhook", metavar="URL", help="A signed message to this address; - reads it from stdin.")
@click.option("--email", "emails", multiple=True, metavar="ADDRESS", help="May be repeated.")
@click.option("--slack", is_flag=True, help="An incoming webhook; its address is read from stdin.")
@click.option("--teams", is_flag=True, help="A Workflows webhook; its address is read from stdin.")
@_wishes
@click.option("--disabled", is_flag=True, help="Make it, and let it wait for `lineal webhooks set --enable`.")
@connected
def add_webhook(caller: Caller, *, name: str, disabled: bool, **options: Any) -> None:
    """Make a subscription: of everything, unless --event says of what.

    The addresses of Slack and Teams are secrets, so they are read from stdin and never from the command line. A webhook
    gets a secret that signs its messages, which is printed this once, alone on stdout.
    """
    body = {"name": name, **_place(options), **_wish(options), **({"enabled": False} if disabled else {})}
    _show_secret(caller, caller.server.post("subscriptions", body), f"subscription {name} made")


def _place(options: Mapping[str, Any]) -> dict[str, str]:
    """Raises click.UsageError unless one place is named."""
    given = [kind for kind in ("webhook", "emails", "slack", "teams") if options[kind]]
    if len(given) != 1:
        raise click.UsageError(f"give one of --webhook, --email, --slack, --teams; {len(given) or 'none'} given")
    kind = given[0]
    if kind == "emails":
        return {"kind": "email", "target": ", ".join(options["emails"])}
    if kind == "webhook" and options["webhook"] != "-":
        return {"kind": kind, "target": options["webhook"]}
    return {"kind": kind, "target": _from_stdin(kind)}


def _from_stdin(what: str) -> str:
    text = sys.stdin.readline().strip()
    if not text:
        raise click.UsageError(f"the address for {what} is read from stdin, and nothing came")
    return text


def _wish(options: Mapping[str, Any]) -> dict[str, Any]:
    events = {"events": list(options["events"])} if options["events"] else {}
    return events | ({"least_severity": options["least_severity"]} if options["least_severity"] else {})


def _show_secret(caller: Caller, subscription: Mapping[str, Any], sentence: str) -> None:
    if caller.output.as_json:
        print_json(subscription)
    elif subscription.get("secret"):
        say(f"{sentence}; it signs its messages with this secret, which is not shown again")
        click.echo(subscription["secret"])
    else:
        click.echo(sentence)


@webhooks.command("show")
@click.argument("name", metavar="NAME|ID")
@connected
def show_webhook(caller: Caller, *, name: str) -> None:
    """Show one subscription."""
    row = _find(caller, name)
    facts = [
        ("name", row["name"]),
        ("id", row["id"]),
        ("kind", row.get("kind")),
        ("target", row.get("target")),
        ("events", ", ".join(row.get("events") or [])),
        ("least severity", row.get("least_severity")),
        ("state", _state(row)),
        ("disabled because", row.get("disabled_because") or None),
        ("failing since", shown_time(row.get("failing_since")) if row.get("failing_since") else None),
        ("last message", shown_time(row.get("last_at")) if row.get("last_at") else None),
        ("came to", row.get("last_state")),
        ("made", f"{shown_time(row.get('created_at'))} by {row.get('created_by')}"),
    ]
    caller.output.facts(row, facts)


@webhooks.command("set")
@click.argument("name", metavar="NAME|ID")
@_wishes
@click.option("--enable/--disable", "enabled", default=None)
@click.option("--target-stdin", is_flag=True, help="Read a new address, or new e-mail addresses, from stdin.")
@connected
def set_webhook(caller: Caller, *, name: str, enabled: bool | None, target_stdin: bool, **options: Any) -> None:
    """Change a subscription; what is not named stays. Enabling it forgets that it failed."""
    changes = _wish(options) | ({} if enabled is None else {"enabled": enabled})
    if target_stdin:
        changes["target"] = _from_stdin(name)
    if not changes:
        raise click.UsageError("say what to change, as --disable or --event 'alert.*'")
    changed = caller.server.patch(path("subscriptions", _find(caller, name)["id"]), changes)
    events = ", ".join(changed.get("events") or [])
    caller.output.done(changed, f"subscription {changed.get('name')} is {_state(changed)}, of {events}")


@webhooks.command("test")
@click.argument("name", metavar="NAME|ID")
@click.option("--wait", type=Duration(), default="30s", show_default=True, help="For what comes of it; 0s: not at all.")
@connected
def test_webhook(caller: Caller, *, name: str, wait: timedelta) -> None:
    """Send a message that says nothing but that it works; fails if it was not taken."""
    sent = caller.server.post(path("subscriptions", _find(caller, name)["id"], "test"), None)
    _report(caller, _awaited(caller, sent, wait), wait)


@webhooks.command("deliveries")
@click.argument("name", metavar="NAME|ID")
@click.option("--state", type=click.Choice(["pending", "delivered", "failed", "dead"]))
@limited
@connected
def list_deliveries(caller: Caller, *, name: str, state: str | None, limit: int) -> None:
    """List what was told, and what came of it; newest first."""
    columns = [
        ("delivery", lambda row: row.get("id")),
        ("made", lambda row: shown_time(row.get("created_at"))),
        ("event", lambda row: row.get("event")),
        ("title", lambda row: row.get("title")),
        ("state", lambda row: row.get("state")),
        ("attempts", lambda row: row.get("attempts")),
        ("next", lambda row: shown_time(row.get("next_at"))),
        ("detail", lambda row: row.get("detail")),
    ]
    where = path("subscriptions", _find(caller, name)["id"], "deliveries")
    rows: Sequence[Mapping[str, Any]] = caller.server.items(where, limit=limit, state=state)
    caller.output.listing(rows, columns, empty=f"{name} was told nothing")


@webhooks.command("replay")
@click.argument("delivery", metavar="DELIVERY")
@click.option("--wait", type=Duration(), default="30s", show_default=True, help="For what comes of it; 0s: not at all.")
@connected
def replay_delivery(caller: Caller, *, delivery: str, wait: timedelta) -> None:
    """Send a message again under its own id; fails if it was not taken."""
    sent = caller.server.post(path("deliveries", delivery, "replay"), None)
    _report(caller, _awaited(caller, sent, wait), wait)


@webhooks.command("rotate")
@click.argument("name", metavar="NAME|ID")
@connected
def rotate_secret(caller: Caller, *, name: str) -> None:
    """Replace a webhook's secret and print the new one, this once, on stdout. The old one signs beside it for a day."""
    subscription = _find(caller, name)
    made = caller.server.post(path("subscriptions", subscription["id"], "secret"), None)
    _show_secret(caller, made, f"subscription {subscription['name']} has a new secret")


@webhooks.command("remove")
@click.argument("name", metavar="NAME|ID")
@connected
def remove_webhook(caller: Caller, *, name: str) -> None:
    """Delete a subscription and the record of its deliveries."""
    subscription = _find(caller, name)
    caller.server.delete(path("subscriptions", subscription["id"]))
    caller.output.done({"id": subscription["id"], "removed": True}, f"removed subscription {subscription['name']}")


def _awaited(caller: Caller, delivery: Mapping[str, Any], wait: timedelta) -> Mapping[str, Any]:
    """The delivery once its first try is over, or as it stands when the wait is."""
    end, pause_s = time.monotonic() + wait.total_seconds(), _FIRST_POLL_S
    while delivery["state"] == "pending" and not _was_tried(delivery) and time.monotonic() < end:
        time.sleep(pause_s)
        pause_s = min(_LONGEST_POLL_S, pause_s * 1.5)
        delivery = caller.server.get(path("deliveries", delivery["id"]))
    return delivery


def _was_tried(delivery: Mapping[str, Any]) -> bool:
    """Whether the newest try of this round has ended, and another is to come."""
    tries = delivery.get("tries") or []
    return bool(delivery.get("attempts") and tries and tries[0].get("duration_ms") is not None)


def _report(caller: Caller, delivery: Mapping[str, Any], wait: timedelta) -> None:
    if delivery["state"] == "delivered" or not wait:
        caller.output.done(delivery, f"{delivery['state']} {delivery['id']}")
        return
    if caller.output.as_json:
        print_json(delivery)
    detail = delivery.get("detail") or "nothing has come of it yet; is a worker running?"
    raise CommandFailed(f"delivery {delivery['id']} is {delivery['state']}: {detail}")


def _find(caller: Caller, name: str) -> Mapping[str, Any]:
    listed = caller.server.items("subscriptions", limit=_LARGEST)
    found = next((row for row in listed if name in {row["name"], row["id"]}), None)
    if found is None:
        raise CommandFailed(f"there is no subscription {name!r}")
    return found
