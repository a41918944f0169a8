"""Options that many commands share, and the `Caller` that a command receives for them."""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from lineal.cli.output import Output
from lineal.cli.server import Server
from lineal.cli.text import parse_duration, parse_moment

Function = Callable[..., Any]


class Caller:
    """What a command has in hand: the server (nothing is sent until it is used), the project and the printer."""

    def __init__(self, *, url: str | None, project: str | None, as_json: bool) -> None:
        self.server = Server(url=url, project=project)
        self.output = Output(as_json=as_json)


class Duration(click.ParamType):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def connected(function: Function) -> Function:
    """Give a command --url, --project and --json, and a `Caller` as its first argument."""

    @click.option("--project", metavar="NAME", help="Project; LINEAL_PROJECT, else `default`.")
    @_server_options
    @functools.wraps(function)
    def command(*, url: str | None, as_json: bool, project: str | None, **values: Any) -> Any:
        return function(Caller(url=url, project=project, as_json=as_json), **values)

    return command


def connected_to_server(function: Function) -> Function:
    """As `connected`, for what belongs to no project."""

    @_server_options
    @functools.wraps(function)
    def command(*, url: str | None, as_json: bool, **values: Any) -> Any:
        return function(Caller(url=url, project=None, as_json=as_json), **values)

    return command


def _server_options(function: Function) -> Function:
    function = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)
    return click.option("--url", metavar="URL", help="Server; LINEAL_URL, else the one that was logged in to.")(
        function
    )


def limited(function: Function) -> Function:
    return click.option(
        "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most this many rows."
    )(function)


def reasoned(function: Function) -> Function:
    return click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit log.")(function)


def parse_pairs(pairs: Sequence[str], *, option: str) -> dict[str, str]:
    """`("a=1", "b=2")` as a dict.

    Raises:
        click.UsageError: an item has no `=` or no name before it.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{option} {pair!r}: write it as name=value")
        values[name] = value
    return values
