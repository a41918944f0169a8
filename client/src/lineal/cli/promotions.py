"""`lineal plan` and `lineal promote`: the act CI calls. How it is asked and told: `promotion_requests`, `results`."""

import os
from datetime import timedelta
from pathlib import Path

import click

from lineal.cli import ci
from lineal.cli.exits import ExitCode, leave, usage_error
from lineal.cli.options import Caller, Duration, Function, connected, reasoned
from lineal.cli.output import json_text, print_json, say, write_file
from lineal.cli.promotion_requests import PromotionRequest, ask, wait_for_decision, wait_for_receipt
from lineal.cli.references import DigestType, VersionRef, VersionRefType
from lineal.cli.results import Result, exit_code, junit, markdown, words


def _asked(function: Function) -> Function:
    """What `plan` and `promote` have in common."""
    for option in (
        click.option(
            "--junit",
            "junit_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the gates as JUnit XML.",
        ),
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the result document here."),
        click.option(
            "--expect-current",
            type=DigestType("none"),
            help="Only if the environment is held by this digest (`none`: by nothing).",
        ),
        click.option("--to", "environment", required=True, metavar="ENVIRONMENT", help="Where to."),
        click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER"),
    ):
        function = option(function)
    return function


@click.command()
@_asked
@connected
def plan(
    caller: Caller,
    *,
    version: VersionRef,
    environment: str,
    expect_current: str | None,
    out: Path | None,
    junit_file: Path | None,
) -> None:
    """Say what would block a promotion; change nothing.

    Evaluates every gate on the server exactly as `promote` does, and leaves with the same exit code.
    """
    _check_writable(out, junit_file)
    key = ci.idempotency_key(model=version.model, environment=environment, environ=os.environ)
    request = PromotionRequest(
        model=version.model,
        version=version.version,
        environment=environment,
        expect_current=expect_current,
        reason="plan",
        key=f"{key}:plan",
        dry_run=True,
    )
    result = ask(caller.server, request)
    _tell(result, out=out, junit_file=junit_file, as_json=caller.output.as_json)
    leave(exit_code(result))


@click.command()
@_asked
@reasoned
@click.option("--wait", type=Duration(), metavar="DURATION", help="Wait this long for approval, e.g. 30m.")
@click.option("--idempotency-key", metavar="KEY", help="Names this request; taken from the CI job, else random.")
@connected
def promote(
    caller: Caller,
    *,
    version: VersionRef,
    environment: str,
    expect_current: str | None,
    reason: str,
    wait: timedelta | None,
    out: Path | None,
    junit_file: Path | None,
    idempotency_key: str | None,
) -> None:
    """Move a model version to an environment.

    The server evaluates the policy's gates on recorded evidence. Words for people go to stderr, the result document to
    --out (or to stdout with --json). In a GitHub job the summary and the outputs decision, version, digest and receipt
    are written too.

    \b
    Exit codes:
       0  promoted, or already there       23  the current holder differs
      10  waiting for approval             24  frozen, held or quarantined
      20  a gate failed                    30  not allowed
      21  evidence is missing              31  identity not accepted
      22  approval refused or expired      40  server unreachable, nothing changed
       2  usage                            41  outcome unknown: run again with the same key
    """
    _check_writable(out, junit_file)
    key = idempotency_key or ci.idempotency_key(model=version.model, environment=environment, environ=os.environ)
    request = PromotionRequest(
        model=version.model,
        version=version.version,
        environment=environment,
        expect_current=expect_current,
        reason=reason,
        key=key,
    )
    say(f"idempotency key: {key}")
    result = ask(caller.server, request)
    if wait is not None and exit_code(result) is ExitCode.WAITING:
        say(f"{words(result)[0]}; waiting up to {int(wait.total_seconds())} s")
        result = wait_for_decision(caller.server, result, wait_s=wait.total_seconds())
    result = wait_for_receipt(caller.server, result)
    _tell(result, out=out, junit_file=junit_file, as_json=caller.output.as_json)
    leave(exit_code(result))


def _check_writable(*paths: Path | None) -> None:
    """Refuse before anything is sent: a promotion whose record cannot be kept should not happen."""
    for path in paths:
        if path is None or str(path) == "-":
            continue
        if not path.parent.is_dir():
            raise usage_error(f"cannot write {path}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise usage_error(f"cannot write {path}: the folder {path.parent} is not writable")


def _tell(result: Result, *, out: Path | None, junit_file: Path | None, as_json: bool) -> None:
    for line in words(result):
        click.echo(line, err=True)
    if as_json or str(out) == "-":
        print_json(result)
    _keep(out if str(out) != "-" else None, json_text(result) + "\n")
    _keep(junit_file, junit(result))
    try:
        ci.write_github_summary(markdown(result), os.environ)
        ci.write_github_outputs(result, os.environ)
    except OSError as error:
        say(f"cannot write the GitHub summary: {error}")


def _keep(path: Path | None, text: str) -> None:
    # The promotion stands whatever the disk says, so a full disk must not change the exit code.
    if path is None:
        return
    try:
        write_file(path, text)
    except OSError as error:
        say(f"cannot write {path}: {error}")
