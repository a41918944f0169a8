"""`lineal audit follow`: new events as JSON lines, by their numbers in the log, for a collector to ship where it likes."""

import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

import click

from lineal.cli.audit import audit
from lineal.cli.options import Caller, connected
from lineal.cli.server import Server

PAGE = 500
SETTLED_PAGES = 2  # an act that took long to commit has an early place in the list and a late number


@audit.command()
@click.option("--after", type=click.IntRange(-1), metavar="SEQ", help="Begin after this number; else with what comes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["lineal", "cloudevents", "ocsf"]),
    default="lineal",
    show_default=True,
    help="How a line is written.",
)
@click.option("--once", is_flag=True, help="End when all that is there is printed.")
@click.option(
    "--every", type=click.FloatRange(0.2, 3_600), default=5.0, show_default=True, help="Seconds between looks."
)
@connected
def follow(caller: Caller, *, after: int | None, form: str, once: bool, every: float) -> None:
    """Print events by number as they come, a JSON line each; the last number printed is where to go on.

    Ship them with what you have: `| logger`, `| vector`, `| aws s3 cp - …`. What you may not read has no line.
    """
    from lineal._audit_forms import FORMS

    last = _newest(caller.server) if after is None else after
    for round_number in itertools.count():
        if round_number:
            time.sleep(every)
        for event in events_after(caller.server, last):
            click.echo(json.dumps(FORMS[form](event), ensure_ascii=False, separators=(",", ":")))
            last = event["seq"]
        if once:
            return


def events_after(server: Server, last: int) -> list[Mapping[str, Any]]:
    """Those with a number beyond `last`, in its order."""
    found: dict[int, Mapping[str, Any]] = {}
    cursor, old_pages = None, 0
    while old_pages < SETTLED_PAGES:
        page = server.get("audit/events", limit=PAGE, cursor=cursor, after=last)
        new = {event["seq"]: event for event in page["items"] if event["seq"] is not None and event["seq"] > last}
        found |= new
        old_pages = 0 if new else old_pages + 1
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return [found[number] for number in sorted(found)]


def _newest(server: Server) -> int:
    page = server.get("audit/events", limit=PAGE)
    return max((event["seq"] for event in page["items"] if event["seq"] is not None), default=-1)
