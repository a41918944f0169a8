"""The exit codes of every command, and the error that carries one to the shell as a single plain line."""

from enum import IntEnum
from typing import NoReturn

import click


class ExitCode(IntEnum):
    """What a script may branch on. `promote`, `plan` and `rollback` use the whole table, other commands the general part."""

    OK = 0
    FAILED = 1
    USAGE = 2
    WAITING = 10
    GATE_FAILED = 20
    EVIDENCE_MISSING = 21
    REFUSED = 22
    HOLDER_DIFFERS = 23
    FROZEN = 24
    NOT_ALLOWED = 30
    NOT_IDENTIFIED = 31
    UNREACHABLE = 40
    UNKNOWN = 41


EXIT_TABLE = """\b
Exit codes:
   0  done; for promote: promoted, or already there
   1  failed: not found, refused by the server, or not proven
   2  usage: the command or a value in it is wrong
  10  promotion waits for approval
  20  a gate failed
  21  evidence is missing
  22  approval refused or expired
  23  the current holder differs from --expect-current
  24  frozen, held or quarantined
  30  not allowed
  31  identity not accepted
  40  server unreachable, nothing changed
  41  outcome unknown: run again with the same key"""


class CommandFailed(Exception):
    """A command that ends here: one line for stderr and the code for the shell."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


def usage_error(message: str) -> CommandFailed:
    return CommandFailed(message, ExitCode.USAGE)


def leave(code: ExitCode) -> NoReturn:
    """End the command with `code`, everything having been said."""
    raise click.exceptions.Exit(int(code))
