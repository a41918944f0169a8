"""`lineal completion`: the script that lets a shell complete this command."""

import click
from click.shell_completion import get_completion_class

from lineal.cli.exits import usage_error


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    For this session:  source <(lineal completion bash)
    For fish:          lineal completion fish | source
    """
    shell_completion = get_completion_class(shell)
    if shell_completion is None:
        raise usage_error(f"no completion for {shell}")
    click.echo(shell_completion(ctx.find_root().command, {}, "lineal", "_LINEAL_COMPLETE").source())
