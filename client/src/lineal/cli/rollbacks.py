"""`lineal rollback`: one call back to the last good digest, with a reason."""

import os

import click

from lineal.cli import ci
from lineal.cli.exits import ExitCode, leave
from lineal.cli.options import Caller, connected, reasoned
from lineal.cli.output import print_json, say
from lineal.cli.promotion_requests import RollbackRequest, ask, wait_for_receipt
from lineal.cli.references import DigestType
from lineal.cli.results import exit_code, words


@click.command()
@click.argument("model")
@click.option("--env", "--environment", "environment", required=True, metavar="ENVIRONMENT", help="Where.")
@click.option("--to", type=DigestType(), help="This digest; else the last good one before the current.")
@click.option(
    "--expect-current",
    type=DigestType("none"),
    help="Only if the environment is held by this digest: what you saw when you decided.",
)
@reasoned
@click.option("--idempotency-key", metavar="KEY", help="Names this request; taken from the CI job, else random.")
@connected
def rollback(
    caller: Caller,
    *,
    model: str,
    environment: str,
    to: str | None,
    expect_current: str | None,
    reason: str,
    idempotency_key: str | None,
) -> None:
    """Return an environment to its last good version; prints the digest it holds now.

    Exit codes are those of `lineal promote`. Run again with the same key after 41: without it, a second rollback would
    go back one version further. --expect-current guards against another person's rollback in the same minute: 23 then.
    """
    random_key = ci.idempotency_key(model=model, environment=environment, environ=os.environ)
    key = idempotency_key or f"{random_key}:rollback"
    say(f"idempotency key: {key}")
    request = RollbackRequest(
        model=model, environment=environment, to=to, reason=reason, key=key, expect_current=expect_current
    )
    result = wait_for_receipt(caller.server, ask(caller.server, request))
    for line in words(result):
        click.echo(line, err=True)
    if caller.output.as_json:
        print_json(result)
    elif exit_code(result) is ExitCode.OK:
        click.echo(result.get("digest"))
    leave(exit_code(result))
