"""Commands that other distributions add through the entry point group `lineal.commands`, as the server does `lineal up`; and
what they can examine for `lineal doctor --home`, by the group `lineal.checks`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import click

from lineal.cli.exits import CommandFailed

GROUP = "lineal.commands"
CHECKS = "lineal.checks"

Examine = Callable[[Path], Iterable[Mapping[str, str]]]


def find_plugin(name: str) -> click.Command | None:
    """The command an installed distribution offers under `name`, or None. Imports that distribution."""
    for entry in entry_points(group=GROUP, name=name):
        command = entry.load()
        if isinstance(command, click.Command):
            return command
    return None


def find_checks() -> Sequence[Examine]:
    """What installed distributions can examine of a home folder: functions that yield `check`, `state`, `detail`, `advice`."""
    return [entry.load() for entry in entry_points(group=CHECKS)]


def missing(name: str, summary: str) -> click.Command:
    """What stands for a command of the server's where only the client is installed."""

    @click.command(name, help=summary, context_settings={"ignore_unknown_options": True}, add_help_option=False)
    @click.argument("_options", nargs=-1, type=click.UNPROCESSED)
    def stand_in(_options: tuple[str, ...]) -> None:
        raise CommandFailed(
            f"`lineal {name}` comes with the server, which is not installed here: pip install lineal-server"
        )

    return stand_in
