"""First start and every start: migrate, make the owner and the keys where there are none, and a one-time link.

Run as `python -m config.bootstrap URL`; prints the link. Secrets go to files, never to the command line.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from core.storage import ObjectStore


class CannotStore(Exception):
    """The object storage refuses this server."""


def main(url: str) -> None:
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    migrate()
    print(first_steps(url))  # noqa: T201 - the supervisor reads it


def migrate() -> None:
    """Apply migrations, as the migrating role where one is set."""
    serving = os.environ.get("LINEAL_DATABASE_URL", "")
    migrating = os.environ.get("LINEAL_DATABASE_MIGRATE_URL", "")
    if migrating and migrating != serving:
        import subprocess  # noqa: PLC0415 - only for teams with two roles

        env = os.environ | {"LINEAL_DATABASE_URL": migrating}
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], check=True, env=env)
    django.setup()
    if not migrating:
        from django.core.management import call_command  # noqa: PLC0415 - needs settings

        call_command("migrate", verbosity=0, interactive=False)


def first_steps(url: str) -> str:
    """Owner, keys and files; the one-time link of the owner."""
    from django.conf import settings  # noqa: PLC0415 - needs settings

    from accounts import services  # noqa: PLC0415
    from accounts.models import Account  # noqa: PLC0415
    from audit import keys  # noqa: PLC0415
    from config import credentials  # noqa: PLC0415
    from core.access import system_principal  # noqa: PLC0415
    from core.storage import get_store  # noqa: PLC0415

    keys.ensure_key()
    _check_store(get_store())
    path: Path = settings.HOME / "owner.token"
    token = services.ensure_owner() or credentials.read_secret(path) or services.renew_owner_token()
    credentials.write_secret(path, token + "\n")
    credentials.remember(url, token=token, user="owner", vkey=keys.find_vkey() or "")
    _, secret = services.create_login_link(account=Account.objects.get(name="owner"), actor=system_principal())
    return f"{url}/login#{secret}"


def _check_store(store: "ObjectStore") -> None:
    """Refuse to start on a store that refuses this server. One that does not answer may come back: what needs it waits or is told.

    Raises:
        CannotStore: in one line, why.
    """
    from core.storage import StoreAway, StoreRefused  # noqa: PLC0415

    try:
        store.check()
    except StoreRefused as exc:
        raise CannotStore(f"LINEAL_BLOBS_URL: {exc.__cause__}") from exc
    except StoreAway as exc:
        print(f"LINEAL_BLOBS_URL: starting without the object storage: {exc.__cause__}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as exc:  # noqa: BLE001 - the supervisor shows the last line
        import traceback

        traceback.print_exc()
        print(f"{type(exc).__name__}: {exc}".replace("\n", " "), file=sys.stderr)  # noqa: T201
        sys.exit(1)
