"""Commands that other distributions add through the entry point group `lineal.commands`; `lineal up` is the server's."""

from importlib.metadata import entry_points

import click

from lineal.cli.exits import CommandFailed

GROUP = "lineal.commands"


def find_plugin(name: str) -> click.Command | None:
    """The command an installed distribution offers under `name`, or None. Imports that distribution."""
    for entry in entry_points(group=GROUP, name=name):
        command = entry.load()
        if isinstance(command, click.Command):
            return command
    return None


@click.command("up", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("_options", nargs=-1, type=click.UNPROCESSED)
def missing_up(_options: tuple[str, ...]) -> None:
    """Start a server on this machine, on embedded defaults."""
    raise CommandFailed("`lineal up` comes with the server, which is not installed here: pip install lineal-server")
