"""Why a backup or a restore ends before it is done: one plain line each, and the exit code that scripts branch on."""

import click

INCOMPLETE = 3  # a backup was made, and objects that it should hold were not there


class BackupFailed(click.ClickException):
    """It could not be done: damaged, no space, a wrong passphrase, a place that does not answer."""

    exit_code = 1


class Refused(BackupFailed):
    """It could be done and would do harm: a target that is not empty, a running server, a backup from the future."""

    exit_code = 4


class LossNotAccepted(BackupFailed):
    """Copies of the ledger's head that lie elsewhere know of later events than the backup holds."""

    exit_code = 5


class Damaged(BackupFailed):
    """A file of the backup is not what was written; the message names it."""
