"""`python -m config ROLE`: a role without the client's command line around it, for `lineal up`."""

import click

from config import roles


@click.group()
def main() -> None:
    """The roles of a server."""


for _role in (roles.serve, roles.worker, roles.beat, roles.sequencer, roles.migrate):
    main.add_command(_role)

if __name__ == "__main__":
    main()
