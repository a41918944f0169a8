"""First start and every start: migrate, make the owner and the keys where there are none, and a one-time link.

Run as `python -m config.bootstrap URL`; prints the link. Secrets go to files, never to the command line.
"""

import os
import subprocess
import sys
from pathlib import Path

from config import environment
from config.migrate import in_one_line


def main(url: str) -> None:
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    migrate()
    for line in [*role_warnings(), first_steps(url)]:
        print(line)  # noqa: T201 - the supervisor reads it, the link last


def migrate() -> None:
    """Apply migrations. On PostgreSQL in a process of its own: as another role, where one is set, and without limits."""
    import django  # noqa: PLC0415 - reads the settings

    if not environment.text("LINEAL_DATABASE_URL"):
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - needs settings

        call_command("migrate", verbosity=0, interactive=False)
        return
    done = subprocess.run([sys.executable, "-m", "config.migrate"], stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise MigrationStopped(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no output")
    django.setup()


def role_warnings() -> list[str]:
    from django.db import connection  # noqa: PLC0415 - needs settings

    from audit import serving  # noqa: PLC0415

    return serving.warnings(connection)


class MigrationStopped(Exception):
    """The last line of what stopped it."""


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
    get_store()  # makes its folders, or says at start why it cannot
    path: Path = settings.HOME / "owner.token"
    token = services.ensure_owner() or credentials.read_secret(path) or services.renew_owner_token()
    credentials.write_secret(path, token + "\n")
    credentials.remember(url, token=token, user="owner", vkey=keys.find_vkey() or "")
    _, secret = services.create_login_link(account=Account.objects.get(name="owner"), actor=system_principal())
    return f"{url}/login#{secret}"


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as exc:  # noqa: BLE001 - the supervisor shows the last line
        import traceback

        traceback.print_exc()
        print(exc if isinstance(exc, MigrationStopped) else in_one_line(exc), file=sys.stderr)  # noqa: T201
        sys.exit(1)
