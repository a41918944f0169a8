"""Migrations, by one process at a time however many begin together. Run as `python -m config.migrating SECONDS`: as the role
of LINEAL_DATABASE_MIGRATE_URL where one is set, and without limits of time; prints the names of what it applied.

The role that serves gets its grants each time (`audit.serving`).
"""

import os
import sys
import time

import django

from config import database
from config.home import CannotStart

LOCK = "migrate"
POLL_S = 0.2


def migrate(wait_s: float) -> list[str]:
    """Apply what is missing, having waited for the database, and for whoever else migrates, for `wait_s` seconds at most.

    Raises:
        CannotStart: it did not answer in time, or is of a newer release.
    """
    from django.core.management import call_command  # noqa: PLC0415 - needs settings

    from audit import serving  # noqa: PLC0415
    from core import locks, schema  # noqa: PLC0415

    until = time.monotonic() + wait_s
    wait_for_database(until)
    with locks.only_one(LOCK, wait_s=wait_s) as held:
        if not held:
            raise CannotStart("Another process has been migrating the database all the while.")
        misfit = schema.find_misfit()
        if misfit is not None and not misfit.may_pass:
            raise CannotStart(misfit.detail)
        missing = schema.missing_migrations() if misfit else []
        if missing:
            call_command("migrate", verbosity=0, interactive=False)
        else:  # the role may be a new one
            serving.grant_after_migration(using="default")
        return missing


def wait_for_database(until: float) -> None:
    """Raises CannotStart, with the last thing that was said, when it does not answer before `until` (monotonic)."""
    from django.db import Error, connection  # noqa: PLC0415 - needs settings

    while True:
        try:
            connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as exc:
            connection.close()
            if time.monotonic() > until:
                raise CannotStart(f"The database does not answer: {in_one_line(exc)}") from exc
            time.sleep(POLL_S)
        else:
            return


def in_one_line(exc: BaseException) -> str:
    """What is wrong, for people; with what to do about it where that is known."""
    text = " ".join(str(exc).split())
    if getattr(exc.__cause__, "sqlstate", "") == "42501":  # insufficient privilege
        return f"The role of LINEAL_DATABASE_URL lacks rights ({text}). Set LINEAL_DATABASE_MIGRATE_URL to the owner's."
    return f"{type(exc).__name__}: {text}"


def main() -> None:
    database.work = "migration"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for name in migrate(float(sys.argv[1])):
        print(name)  # noqa: T201 - whoever started it reads it


if __name__ == "__main__":
    try:
        main()
    except Exception as exc:  # noqa: BLE001 - the parent shows the last line
        import traceback

        plain = isinstance(exc, CannotStart)
        if not plain:
            traceback.print_exc()
        print(str(exc) if plain else in_one_line(exc), file=sys.stderr)  # noqa: T201
        sys.exit(1)
