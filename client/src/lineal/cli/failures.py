"""Every error at the top of the command line as one plain line on stderr and an exit code."""

import click

from lineal._errors import (
    Forbidden,
    Invalid,
    LinealError,
    Malformed,
    NotConfigured,
    OutcomeUnknown,
    ProblemError,
    ServerUnreachable,
    Unauthorized,
)
from lineal.cli.exits import CommandFailed, ExitCode
from lineal.cli.output import say

_CODES: tuple[tuple[type[LinealError], ExitCode], ...] = (
    (OutcomeUnknown, ExitCode.UNKNOWN),
    (ServerUnreachable, ExitCode.UNREACHABLE),
    (NotConfigured, ExitCode.USAGE),
    (Malformed, ExitCode.USAGE),
    (Invalid, ExitCode.USAGE),
    (Unauthorized, ExitCode.NOT_IDENTIFIED),
    (Forbidden, ExitCode.NOT_ALLOWED),
    (LinealError, ExitCode.FAILED),
)
_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())  # click 8.1 shows help by itself
INTERRUPTED = 130  # what shells use for Ctrl-C


def report(error: Exception) -> int:
    """Say what went wrong and return the code to leave with."""
    if isinstance(error, _NO_ARGUMENTS):
        click.echo(error.format_message(), err=True)  # a UsageError, whose words are the help
        return ExitCode.USAGE
    message, code = explain(error)
    say(f"lineal: {message}")
    if isinstance(error, ProblemError) and isinstance(excerpt := error.extra.get("excerpt"), str):
        for line in excerpt.splitlines()[:2]:  # what was written, and a caret under the place
            say(f"  {line}")
    return code


def explain(error: Exception) -> tuple[str, int]:
    """One sentence, and the exit code."""
    if isinstance(error, click.Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, click.UsageError):
        where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        return error.format_message() + where, ExitCode.USAGE
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, CommandFailed | LinealError):
        return words_of(error), _code(error)
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}", ExitCode.FAILED
    return f"unexpected {type(error).__name__}: {error} (LINEAL_DEBUG=1 shows where)", ExitCode.FAILED


def words_of(error: Exception) -> str:
    """The error's own words. Of a server's problem: its sentence, the wrong fields, and for its own failures the id to ask by."""
    if not isinstance(error, ProblemError):
        return str(error)
    fields = [
        f"{each.get('field')}: {each.get('detail')}" for each in error.errors if each.get("detail") != error.detail
    ]
    told = f"{error.detail} [{'; '.join(fields)}]" if fields else error.detail
    return f"{told} (request {error.request_id})" if error.status >= 500 and error.request_id else told


def _code(error: CommandFailed | LinealError) -> ExitCode:
    if isinstance(error, CommandFailed):
        return error.code
    return next(code for family, code in _CODES if isinstance(error, family))
