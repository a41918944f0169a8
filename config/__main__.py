"""`python -m config ROLE`: a role without the client's command line around it, for `lineal up`, and its `background`, which is three."""

import click

from config import roles


@click.group()
def main() -> None:
    """The roles of a server."""


@main.command(hidden=True)
@roles.plain
def background() -> None:
    """Worker, beat and sequencer in one process."""
    roles.begin_part("worker", home=None, wait_s=0)
    from config import together  # noqa: PLC0415 - needs settings

    together.run()


for _role in (roles.serve, roles.worker, roles.beat, roles.sequencer, roles.migrate):
    main.add_command(_role)

if __name__ == "__main__":
    main()
