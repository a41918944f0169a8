"""`lineal rotate-key`: hands the ledger over to a new key, on the machine that has the old one."""

import os
import sys
import time
from pathlib import Path

import click
import django

from core.errors import LinealError

WAIT_S = 15.0  # a sequencer at work needs about a second
POLL_S = 0.2


@click.command("rotate-key")
@click.option("--home", type=click.Path(path_type=Path), default=None, help="Folder of all the server owns [.lineal].")
@click.option("--reason", required=True, help="Why; stays on the ledger.")
def rotate_key(home: Path | None, reason: str) -> None:
    """Give the ledger a new signing key.

    The old key and the new one sign the checkpoint of the change together, so clients and auditors who know the old
    key follow by themselves. If the old key was stolen, tell them the new one by another way: its thief could sign
    such a change, too.
    """
    os.umask(0o077)
    folder = (home or Path(os.environ.get("LINEAL_HOME") or ".lineal")).expanduser().resolve()
    if not (folder / "keys").is_dir():
        raise click.ClickException(f"{folder} is not the home of a Lineal server: it has no keys. Name it with --home.")
    os.environ |= {"LINEAL_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings"}
    django.setup()
    from audit.notes import fingerprint  # noqa: PLC0415 - needs settings
    from audit.rotation import ask_for_rotation  # noqa: PLC0415

    try:
        handover = ask_for_rotation(reason=reason)
    except LinealError as exc:
        raise click.ClickException(exc.detail) from exc
    click.echo(f"old key: {handover.old}\nnew key: {handover.new}\nits SHA-256: {fingerprint(handover.new)}")
    if not _is_done(handover.new):
        click.echo("Asked for, and not done yet: the sequencer does it with its next step. Is the server running?")
        sys.exit(1)
    click.echo("Done: both keys have signed the checkpoint, and the old secret key is gone. Publish the new one.")


def _is_done(vkey: str) -> bool:
    from audit.keys import find_successor, find_vkey  # noqa: PLC0415 - needs settings

    deadline = time.monotonic() + WAIT_S
    while find_vkey() != vkey or find_successor() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
