"""Commands that other distributions add through the entry point group `lineal.commands`; `lineal up` is the server's."""

from importlib.metadata import entry_points

import click

from lineal.cli.exits import CommandFailed

GROUP = "lineal.commands"
OF_THE_SERVER = ("serve", "worker", "beat", "sequencer", "migrate", "rotate-key")


def find_plugin(name: str) -> click.Command | None:
    """The command an installed distribution offers under `name`, or None. Imports that distribution."""
    for entry in entry_points(group=GROUP, name=name):
        command = entry.load()
        if isinstance(command, click.Command):
            return command
    return None


def summaries() -> list[tuple[str, str]]:
    """Name and first sentence of each command that installed distributions add, but for `up`, which has its own place."""
    found = {entry.name: entry for entry in entry_points(group=GROUP) if entry.name != "up"}
    loaded = [(name, entry.load()) for name, entry in sorted(found.items())]
    return [(name, command.get_short_help_str(80)) for name, command in loaded if isinstance(command, click.Command)]


def missing(name: str) -> click.Command | None:
    """What stands in for a command of the server where that is not installed; None for any other name."""
    if name not in OF_THE_SERVER:
        return None

    @click.command(name, context_settings={"ignore_unknown_options": True}, add_help_option=False)
    @click.argument("_options", nargs=-1, type=click.UNPROCESSED)
    def stand_in(_options: tuple[str, ...]) -> None:
        raise CommandFailed(
            f"`lineal {name}` comes with the server, which is not installed here: pip install lineal-server"
        )

    return stand_in


@click.command("up", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("_options", nargs=-1, type=click.UNPROCESSED)
def missing_up(_options: tuple[str, ...]) -> None:
    """Start a server on this machine, on embedded defaults."""
    raise CommandFailed("`lineal up` comes with the server, which is not installed here: pip install lineal-server")
