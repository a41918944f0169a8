"""`lineal rollback`: one call back to the last good digest, with a reason."""

import click

from lineal.cli.exits import ExitCode, leave
from lineal.cli.options import Caller, connected, reasoned
from lineal.cli.output import print_json
from lineal.cli.promotion_requests import wait_for_receipt
from lineal.cli.references import DigestType
from lineal.cli.results import exit_code, words
from lineal.cli.server import path


@click.command()
@click.argument("model")
@click.option("--env", "--environment", "environment", required=True, metavar="ENVIRONMENT", help="Where.")
@click.option("--to", type=DigestType(), help="This digest; else the last good one before the current.")
@reasoned
@connected
def rollback(caller: Caller, *, model: str, environment: str, to: str | None, reason: str) -> None:
    """Return an environment to its last good version. Exit codes are those of `lineal promote`."""
    body = {"environment": environment, "reason": reason, **({"to": to} if to else {})}
    result = wait_for_receipt(caller.server, caller.server.post(path("models", model, "rollbacks"), body))
    for line in words(result):
        click.echo(line, err=True)
    if exit_code(result) is ExitCode.OK and not caller.output.as_json:
        click.echo(result.get("digest"))
    if caller.output.as_json:
        print_json(result)
    leave(exit_code(result))
