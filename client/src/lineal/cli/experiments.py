"""`lineal experiments`: the experiments of a project."""

import click

from lineal.cli.options import Caller, connected, limited
from lineal.cli.putting_away import verb
from lineal.cli.text import shown_time


@click.group()
def experiments() -> None:
    """Experiments of a project."""


@experiments.command("list")
@limited
@connected
def list_experiments(caller: Caller, *, limit: int) -> None:
    """List experiments."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("description", lambda row: row.get("description")),
        ("since", lambda row: shown_time(row.get("created_at"))),
    ]
    caller.output.listing(caller.server.items("experiments", limit=limit), columns, empty="no experiments")


verb(experiments, "experiment", "delete", "Delete experiments into the bin, with their runs.", argument="NAME…")
verb(experiments, "experiment", "restore", "Bring deleted experiments back.", argument="NAME…")
verb(
    experiments,
    "experiment",
    "purge",
    "Take deleted experiments away for good, with all their runs.",
    argument="NAME…",
)
