"""Archive, delete, restore, purge: what these verbs of `runs`, `experiments` and `models` have in common."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from lineal.cli.exits import ExitCode, leave, usage_error
from lineal.cli.options import Caller
from lineal.cli.output import Column, say
from lineal.cli.server import path
from lineal.cli.text import shown_size

Function = Callable[..., Any]
PAST = {"archive": "archived", "delete": "deleted", "restore": "restored", "purge": "purged"}
NOT_DONE = ("held", "failed")
MOST_NAMED = 10_000  # things in one request
SHOWN = 50  # things that were not done, shown one by one
POLL_S = 0.3


def act_options(function: Function) -> Function:
    """--reason, --dry-run and --no-wait."""
    for option in (
        click.option(
            "--no-wait", is_flag=True, help="Leave a large selection to the server; `deletions show` follows it."
        ),
        click.option("--dry-run", is_flag=True, help="List what would be done, and what is held; change nothing."),
        click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit log."),
    ):
        function = option(function)
    return function


def confirmed(function: Function) -> Function:
    """--yes, for what cannot be taken back."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def put_away(
    caller: Caller,
    *,
    kind: str,
    act: str,
    selection: Mapping[str, Any],
    reason: str = "",
    dry_run: bool = False,
    no_wait: bool = False,
    yes: bool = True,
) -> None:
    """Ask for `act` on what `selection` (ids, or filter, experiments and lifecycle) names, wait, and say what came of it."""
    body = {"kind": kind, "act": act, "reason": reason, **selection}
    if dry_run or not yes:
        plan = caller.server.post("deletions", {**body, "dry_run": True})
        if dry_run:
            _show_plan(caller, plan)
            return
        if not plan["done"]:
            _report(caller, plan)
            return
        _confirm(plan)
        body |= _confirmed(plan, selection, body)
    deletion = caller.server.post("deletions", body)
    if deletion["state"] == "running" and not no_wait:
        deletion = wait_for(caller, path("deletions", deletion["id"]), done="done", total="total", busy="running")
    _report(caller, deletion)


def _confirmed(plan: Mapping[str, Any], selection: Mapping[str, Any], body: dict[str, Any]) -> Mapping[str, Any]:
    """What was shown, by its names: a filter may find more by now. Takes the filter out of `body`."""
    if "ids" in selection:
        return {}
    if len(plan["items"]) > MOST_NAMED:
        say(f"more than {MOST_NAMED} are too many to name: the server looks for them once more")
        return {}
    for name in selection:
        del body[name]
    return {"ids": [item["id"] for item in plan["items"]]}


def _confirm(plan: Mapping[str, Any]) -> None:
    if not sys.stdin.isatty():
        raise usage_error(f"this would {plan['act']} {plan['done']} for good: try --dry-run, then say --yes")
    click.confirm(
        f"{plan['act']} {plan['done']} ({shown_size(plan['bytes'])}) for good? This cannot be taken back",
        abort=True,
        err=True,
    )


_PLAN_COLUMNS: list[Column] = [
    ("what", lambda row: row.get("label")),
    ("state", lambda row: row.get("state")),
    ("would be", lambda row: row.get("outcome")),
    ("points", lambda row: row.get("points")),
    ("size", lambda row: shown_size(row.get("bytes"))),
    ("because", lambda row: "; ".join(row.get("by") or []) or None),
]


def _show_plan(caller: Caller, plan: Mapping[str, Any]) -> None:
    if caller.output.as_json:
        caller.output.done(plan, "")
        return
    caller.output.listing(plan["items"], _PLAN_COLUMNS, empty="nothing is selected")
    size = f"{plan['points']} points, {shown_size(plan['bytes'])}"
    say(f"would be {PAST[plan['act']]}: {plan['done']} of {plan['total']} ({size}){_rest(plan)}; nothing was changed")


def _report(caller: Caller, deletion: Mapping[str, Any]) -> None:
    left = [item for outcome in NOT_DONE if deletion[outcome] for item in _items(caller, deletion, outcome)]
    if caller.output.as_json:
        caller.output.done({**deletion, "not_done": left}, "")
    else:
        running = deletion["state"] == "running"
        words = f"{PAST[deletion['act']]} {deletion['done']} of {deletion['total']}{_rest(deletion)}"
        caller.output.done(deletion, f"{words}{', the rest goes on: ' + deletion['id'] if running else ''}")
        for item in left:
            say(f"{item['outcome']}: {item['label']}: {'; '.join(item['by'])}")
    if deletion["held"]:
        leave(ExitCode.FROZEN)
    if deletion["failed"]:
        leave(ExitCode.FAILED)


def _items(caller: Caller, deletion: Mapping[str, Any], outcome: str) -> list[dict[str, Any]]:
    if deletion["id"] is None:  # a plan, which brings them along
        return [item for item in deletion["items"] if item["outcome"] == outcome][:SHOWN]
    return caller.server.items(path("deletions", deletion["id"], "items"), limit=SHOWN, outcome=outcome)


def _rest(counts: Mapping[str, Any]) -> str:
    told = {"unchanged": "were so already", "held": "held", "failed": "failed"}
    return "".join(f", {counts[name]} {words}" for name, words in told.items() if counts[name])


def wait_for(caller: Caller, where: str, *, done: str, total: str | None, busy: str, state: str = "state") -> Any:
    """Ask `where` until its `state` is no longer `busy`; with a bar of `done` of `total` on a terminal."""
    bar = task = None
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        bar = Progress(console=Console(stderr=True), transient=True)
        task = bar.add_task("waiting for the server", total=None)
        bar.start()
    try:
        while True:
            document = caller.server.get(where)
            if document[state] != busy:
                return document
            if bar is not None and task is not None:
                bar.update(task, completed=_progress(document, done), total=document[total] if total else None)
            time.sleep(POLL_S)
    finally:
        if bar is not None:
            bar.stop()


def _progress(document: Mapping[str, Any], done: str) -> int:
    return sum(document.get(name, 0) for name in (done, "unchanged", "held", "failed"))


def selected(
    ids: Sequence[str], where: str | None, *, experiments: Sequence[str], lifecycle: str | None
) -> dict[str, Any]:
    """The selection as the server takes it.

    Raises:
        CommandFailed: it is neither ids nor found by a filter or experiment, or the filter is empty, as a variable is
            that was never set: that would mean everything.
    """
    if bool(ids) == bool(where is not None or experiments):
        raise usage_error("name the ids, or find them by --where FILTER or --experiment NAME")
    if where is not None and not where.strip():
        raise usage_error("--where is empty, which would select everything; say which, or name an --experiment")
    if ids:
        return {"ids": list(ids)}
    found = {"filter": where, "experiments": list(experiments), "lifecycle": lifecycle}
    return {key: value for key, value in found.items() if value}


def verb(group: click.Group, kind: str, act: str, help_text: str, *, argument: str) -> None:
    """Add `act` on things that are named, to `group`."""

    def command(caller: Caller, *, names: Sequence[str], **options: Any) -> None:
        put_away(caller, kind=kind, act=act, selection={"ids": list(names)}, **options)

    from lineal.cli.options import connected

    function: Function = connected(command)
    if act == "purge":
        function = confirmed(function)
    function = click.argument("names", nargs=-1, required=True, metavar=argument)(act_options(function))
    group.command(act, help=help_text)(function)
