"""First start and every start: migrate, make the owner and the keys where there are none.

Run as `python -m config.bootstrap URL`, which prints a one-time link; secrets go to files, never to the command line.
"""

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import django

from config.environment import BadSetting
from config.home import CannotStart

if TYPE_CHECKING:
    from core.storage import ObjectStore

WAIT_S = 5.0  # of `lineal up` for a database that starts with it


def main(url: str) -> None:
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    migrate(WAIT_S)
    for line in [*role_warnings(), sign_in_here(url)]:
        print(line)  # noqa: T201 - the supervisor reads it, the link last


def migrate(wait_s: float) -> list[str]:
    """Apply migrations and load the apps; names of what was applied. On PostgreSQL in a process of its own: as another role,
    where one is set, and without limits.

    Raises:
        CannotStart: the database does not answer, or is of a newer release, or the migration failed.
    """
    from config import environment, migrating  # noqa: PLC0415 - the environment is complete now

    if not environment.text("LINEAL_DATABASE_URL"):
        django.setup()
        return migrating.migrate(wait_s)
    done = subprocess.run(
        [sys.executable, "-m", "config.migrating", str(wait_s)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    *before, last = done.stderr.strip().splitlines() or ["The migration failed and said nothing."]
    if before:
        print("\n".join(before), file=sys.stderr)  # noqa: T201 - where it arose, for the log
    if done.returncode:
        raise CannotStart(last)
    django.setup()
    return done.stdout.split()


def role_warnings() -> list[str]:
    """What the role that serves could do to the ledger, and should not; empty on SQLite."""
    from django.db import connection  # noqa: PLC0415 - needs settings

    from audit import serving  # noqa: PLC0415

    return [f"{what} {advice}" for what, advice in serving.warnings(connection)]


def make_keys() -> None:
    """Every key that some process needs, so that homes which are mounted read-only have them all."""
    from audit import keys  # noqa: PLC0415 - needs settings
    from core import sealing  # noqa: PLC0415
    from core.storage import get_store  # noqa: PLC0415
    from registry import receipt_key  # noqa: PLC0415

    keys.ensure_key()
    keys.load_cosigner()
    sealing.ensure_key()
    receipt_key.ensure_key()
    _check_store(get_store())


def ensure_owner(*, renew: bool) -> str | None:
    """The owner's token, from its file or anew; None if there is an owner, the file is gone and we are not to `renew` it."""
    from django.conf import settings  # noqa: PLC0415 - needs settings

    from accounts import services  # noqa: PLC0415
    from config import credentials  # noqa: PLC0415

    path: Path = settings.HOME / "owner.token"
    kept = credentials.read_secret(path)
    token = services.ensure_owner() or kept or (services.renew_owner_token() if renew else None)
    if token and token != kept:
        credentials.write_secret(path, token + "\n")
    return token


def sign_in_here(url: str) -> str:
    """Keys, owner, and this machine's user signed in; the owner's one-time link."""
    from audit import keys  # noqa: PLC0415 - needs settings
    from config import credentials  # noqa: PLC0415

    make_keys()
    token = ensure_owner(renew=True)
    credentials.remember(url, token=token or "", user="owner", vkey=keys.find_vkey() or "")
    return owner_link(url)


def owner_link(url: str) -> str:
    """A link that signs a browser in as the owner, once."""
    from accounts import services  # noqa: PLC0415 - needs settings
    from accounts.models import Account  # noqa: PLC0415
    from core.access import system_principal  # noqa: PLC0415

    _, secret = services.create_login_link(account=Account.objects.get(name="owner"), actor=system_principal())
    return f"{url.rstrip('/')}/login#{secret}"


def _check_store(store: "ObjectStore") -> None:
    """Refuse to start on a store that refuses this server. One that does not answer may come back: what needs it waits or is told.

    Raises:
        CannotStart: in one line, why.
    """
    from core.storage import StoreAway, StoreRefused  # noqa: PLC0415

    try:
        store.check()
    except StoreRefused as exc:
        raise CannotStart(f"LINEAL_BLOBS_URL: {exc.__cause__}") from exc
    except StoreAway as exc:
        print(f"LINEAL_BLOBS_URL: starting without the object storage: {exc.__cause__}", file=sys.stderr)  # noqa: T201


def command(url: str) -> None:
    """`main` as a program: what stops it is the last line of complaint, and exit code 1."""
    try:
        main(url)
    except Exception as exc:  # noqa: BLE001 - the supervisor shows the last line
        plain = isinstance(exc, CannotStart | BadSetting)
        if not plain:
            traceback.print_exc()
        from config.migrating import in_one_line  # noqa: PLC0415 - as above

        print(str(exc) if plain else in_one_line(exc), file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    command(sys.argv[1])
