"""`lineal alerts`: what is wrong in production, and who looks after it."""

from collections.abc import Mapping
from typing import Any

import click

from lineal.cli.options import Caller, connected, limited, reasoned
from lineal.cli.server import path
from lineal.cli.text import clean, shown_time


@click.group()
def alerts() -> None:
    """What is wrong in production, and who looks after it."""


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are closed, too.")
@click.option("--kind", metavar="KIND", help="As drift, missing, schema or performance.")
@click.option("--severity", type=click.Choice(["warn", "critical"]))
@click.option("--model", metavar="NAME")
@click.option("--environment", "--env", "environment", metavar="NAME")
@limited
@connected
def list_alerts(caller: Caller, *, everything: bool, limit: int, **query: str | None) -> None:
    """List alerts, newest first; those that are not closed, unless told otherwise."""
    columns = [
        ("alert", lambda row: row.get("id")),
        ("severity", lambda row: row.get("severity")),
        ("what", lambda row: row.get("title")),
        ("columns", lambda row: row.get("columns")),
        ("state", lambda row: row.get("state")),
        ("opened", lambda row: shown_time(row.get("opened_at"))),
        ("owner", lambda row: row.get("owner")),
    ]
    rows = caller.server.items("alerts", limit=limit, state=None if everything else "active", **query)
    caller.output.listing(rows, columns, empty="no alerts")


@alerts.command("show")
@click.argument("alert", metavar="ID")
@connected
def show_alert(caller: Caller, *, alert: str) -> None:
    """Show one alert with all that was found."""
    found = caller.server.get(path("alerts", alert))
    caller.output.done(found, "\n".join(_lines(found)))


@alerts.command("ack")
@click.argument("alert", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Kept in the audit log.")
@connected
def acknowledge_alert(caller: Caller, *, alert: str, reason: str) -> None:
    """Say that you look after it. It is closed when it is over."""
    found = caller.server.post(path("alerts", alert, "acknowledge"), {"reason": reason})
    caller.output.done(found, f"{clean(found.get('title'))}: acknowledged by {clean(found.get('acknowledged_by'))}")


@alerts.command("close")
@click.argument("alert", metavar="ID")
@reasoned
@connected
def close_alert(caller: Caller, *, alert: str, reason: str) -> None:
    """Say that it is over. The next window with the same trouble opens another."""
    found = caller.server.post(path("alerts", alert, "close"), {"reason": reason})
    caller.output.done(found, f"{clean(found.get('title'))}: closed by {clean(found.get('closed_by'))}")


def _lines(alert: Mapping[str, Any]) -> list[str]:
    windows = [(alert.get(name) or {}).get("start") for name in ("first_window", "last_window")]
    lines = [
        f"{alert.get('title')} ({alert.get('severity')}, {alert.get('state')})",
        str(alert.get("message")),
        f"columns   {', '.join(alert.get('columns') or []) or '-'}",
        f"windows   {shown_time(windows[0])} to {shown_time(windows[1])}" if windows[0] else "windows   -",
        f"opened    {shown_time(alert.get('opened_at'))}",
        f"owner     {alert.get('owner')}",
    ]
    if alert.get("reason"):
        lines.append(f"reason    {alert['reason']}")
    return [clean(line) for line in lines]
