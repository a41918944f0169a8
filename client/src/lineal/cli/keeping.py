"""`lineal holds`, `deletions`, `gc` and `usage`: what is kept, what goes, and how much there is."""

from typing import Any

import click

from lineal.cli.options import Caller, connected, limited, reasoned
from lineal.cli.output import Column, say
from lineal.cli.putting_away import wait_for
from lineal.cli.server import path
from lineal.cli.text import short_digest, shown_size, shown_time

_KINDS = click.Choice(["run", "experiment", "version", "model"])
_WIRE = {"version": "model_version"}


@click.group()
def holds() -> None:
    """Keep runs, experiments, versions and models, and all that they came from, from being deleted."""


_HOLD_COLUMNS: list[Column] = [
    ("id", lambda row: row.get("id")),
    ("kind", lambda row: row.get("kind")),
    ("what", lambda row: row.get("label")),
    ("reason", lambda row: row.get("reason")),
    ("by", lambda row: row.get("placed_by")),
    ("since", lambda row: shown_time(row.get("placed_at"))),
]


@holds.command("list")
@click.option("--lifted", is_flag=True, help="Those that were lifted instead.")
@limited
@connected
def list_holds(caller: Caller, *, lifted: bool, limit: int) -> None:
    """List holds that people put, newest first."""
    query = {"lifted": "true"} if lifted else {}
    caller.output.listing(caller.server.items("holds", limit=limit, **query), _HOLD_COLUMNS, empty="no holds")


@holds.command("add")
@click.argument("kind", type=_KINDS)
@click.argument("name", metavar="RUN|EXPERIMENT|MODEL/NUMBER|MODEL")
@reasoned
@connected
def add_hold(caller: Caller, *, kind: str, name: str, reason: str) -> None:
    """Put a hold on something, e.g. `lineal holds add version churn/3 --reason "lawsuit 12/26"`."""
    hold = caller.server.post("holds", {"kind": _WIRE.get(kind, kind), "id": name, "reason": reason})
    caller.output.done(hold, f"holds {hold['label']}: {hold['id']}")


@holds.command("remove")
@click.argument("hold", metavar="ID")
@reasoned
@connected
def remove_hold(caller: Caller, *, hold: str, reason: str) -> None:
    """Lift a hold. It stays on the list of lifted ones."""
    lifted = caller.server.post(path("holds", hold, "lift"), {"reason": reason})
    caller.output.done(lifted, f"lifted the hold on {lifted['label']}")


@holds.command("why")
@click.argument("kind", type=_KINDS)
@click.argument("name", metavar="RUN|EXPERIMENT|MODEL/NUMBER|MODEL")
@connected
def why_held(caller: Caller, *, kind: str, name: str) -> None:
    """Say what keeps something from being deleted now: living versions that came of it, and holds."""
    held = caller.server.get("held", kind=_WIRE.get(kind, kind), id=name)
    caller.output.done(held, "\n".join(held["by"]) if held["held"] else f"nothing holds {name}")


@click.group()
def deletions() -> None:
    """Follow and cancel deletions of many things."""


_DELETION_COLUMNS: list[Column] = [
    ("id", lambda row: row.get("id")),
    ("act", lambda row: row.get("act")),
    ("kind", lambda row: row.get("kind")),
    ("state", lambda row: row.get("state")),
    ("total", lambda row: row.get("total")),
    ("done", lambda row: row.get("done")),
    ("held", lambda row: row.get("held")),
    ("failed", lambda row: row.get("failed")),
    ("asked", lambda row: shown_time(row.get("created_at"))),
]


@deletions.command("list")
@limited
@connected
def list_deletions(caller: Caller, *, limit: int) -> None:
    """List deletions, newest first."""
    caller.output.listing(caller.server.items("deletions", limit=limit), _DELETION_COLUMNS, empty="no deletions")


@deletions.command("show")
@click.argument("deletion", metavar="ID")
@click.option("--wait", is_flag=True, help="Until it has ended.")
@limited
@connected
def show_deletion(caller: Caller, *, deletion: str, wait: bool, limit: int) -> None:
    """Show how far a deletion has come, and what was held."""
    where = path("deletions", deletion)
    found = wait_for(caller, where, done="done", total="total", busy="running") if wait else caller.server.get(where)
    left = caller.server.items(path("deletions", deletion, "items"), limit=limit, outcome="held")
    left += caller.server.items(path("deletions", deletion, "items"), limit=limit, outcome="failed")
    facts = [(name, found.get(name)) for name in ("id", "act", "kind", "state", "total", "done", "unchanged", "held")]
    facts += [("failed", found.get("failed")), ("reason", found.get("reason") or None)]
    facts += [(item["outcome"], f"{item['label']}: {'; '.join(item['by'])}") for item in left]
    caller.output.facts({**found, "not_done": left}, facts)


@deletions.command("cancel")
@click.argument("deletion", metavar="ID")
@connected
def cancel_deletion(caller: Caller, *, deletion: str) -> None:
    """Let what has not been done be. What was done stays done."""
    found = caller.server.post(path("deletions", deletion, "cancel"), None)
    caller.output.done(found, f"{found['state']} after {found['done']} of {found['total']}")


_OBJECT_COLUMNS: list[Column] = [
    ("object", lambda row: short_digest(f"sha256:{row.get('sha256')}")),
    ("size", lambda row: shown_size(row.get("size"))),
    ("marked", lambda row: shown_time(row.get("marked_at"))),
]


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what a sweep would delete now; change nothing.")
@click.option("--no-wait", is_flag=True, help="Leave the sweep to the server.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit log.")
@connected
def gc(caller: Caller, *, dry_run: bool, no_wait: bool, reason: str) -> None:
    """Delete stored objects that nothing refers to: mark them, and delete those that were marked a while ago.

    The server sweeps every project once a day by itself. One sweep marks, a later one deletes, with the grace between.
    """
    if dry_run:
        _show_sweep_plan(caller, caller.server.post("sweeps", {"dry_run": True}))
        return
    sweep = caller.server.post("sweeps", {"reason": reason})
    while not no_wait and not sweep["finished_at"]:
        sweep = wait_for(
            caller, path("sweeps", sweep["id"]), done="objects_seen", total=None, busy=sweep["phase"], state="phase"
        )
    words = f"{sweep['objects_seen']} objects seen, {sweep['marked'] + sweep['adopted']} marked, "
    words += f"{sweep['deleted']} deleted ({shown_size(sweep['deleted_bytes'])})"
    lost = f", {sweep['missing']} MISSING" if sweep["missing"] else ""
    caller.output.done(sweep, f"{words}{lost}" if sweep["finished_at"] else f"sweep {sweep['id']} is under way")


def _show_sweep_plan(caller: Caller, plan: dict[str, Any]) -> None:
    if caller.output.as_json:
        caller.output.done(plan, "")
        return
    caller.output.listing(plan["objects"], _OBJECT_COLUMNS, empty="nothing is due")
    say(
        f"due now: {plan['due']} ({shown_size(plan['due_bytes'])}); still in their grace of {plan['grace_hours']} hours: "
        f"{plan['waiting']} ({shown_size(plan['waiting_bytes'])}); nothing was changed"
    )


_USAGE_COLUMNS: list[Column] = [
    ("project", lambda row: row.get("project")),
    ("runs", lambda row: row.get("runs")),
    ("points", lambda row: row.get("points")),
    ("of metrics", lambda row: shown_size(row.get("metric_bytes"))),
    ("files", lambda row: row.get("files")),
    ("of files", lambda row: shown_size(row.get("file_bytes"))),
    ("stored", lambda row: shown_size(row.get("object_bytes"))),
    ("versions", lambda row: row.get("versions")),
    (
        "in the bin",
        lambda row: sum(row.get(f"bin_{kind}", 0) for kind in ("runs", "experiments", "models", "versions")),
    ),
    ("reclaimable", lambda row: shown_size(row.get("reclaimable_bytes"))),
]


@click.command()
@connected
def usage(caller: Caller) -> None:
    """Show how much each project holds that you may read, or the one of --project. At most a minute old."""
    project = caller.server.named_project
    rows = caller.server.get("usage", **({"project": project} if project else {}))
    caller.output.listing(rows, _USAGE_COLUMNS, empty="no projects")
