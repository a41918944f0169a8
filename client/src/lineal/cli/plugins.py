"""Commands that other distributions add through the entry point group `lineal.commands`; `lineal up` is the server's."""

from importlib.metadata import entry_points

import click

from lineal.cli.exits import CommandFailed

GROUP = "lineal.commands"
OF_THE_SERVER = {  # their lines in help, kept here so that help imports no server
    "serve": "Answer HTTP: pages, REST, health.",
    "worker": "Do what requests leave for later.",
    "beat": "Promise the periodic jobs when their turns come.",
    "sequencer": "Number, hash and sign the ledger's events.",
    "migrate": "Bring the database up to this release.",
    "rotate-key": "Give the ledger a new signing key.",
}


def find_plugin(name: str) -> click.Command | None:
    """The command an installed distribution offers under `name`, or None. Imports that distribution."""
    for entry in entry_points(group=GROUP, name=name):
        command = entry.load()
        if isinstance(command, click.Command):
            return command
    return None


def summaries() -> list[tuple[str, str]]:
    """Name and line of each command of a server that is installed here, but for `up`, which has its own place."""
    installed = {entry.name for entry in entry_points(group=GROUP)}
    return [(name, line) for name, line in OF_THE_SERVER.items() if name in installed]


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
