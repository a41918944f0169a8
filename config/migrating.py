"""Migrations, by one process at a time however many begin together. Run as `python -m config.migrating SECONDS` under the
role that may change tables; prints the names of what it applied.
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import django

from config.home import CannotStart

ADVISORY_LOCK = 0x6C6E6C6D_69677274  # "lnlmigrt"
POLL_S = 0.2
LOCK_WAIT_S = 10  # of one statement for a table that is in use; beyond it the others would queue behind us


def migrate(wait_s: float) -> list[str]:
    """Apply what is missing, having waited for the database, and for whoever else migrates, for `wait_s` seconds at most.

    Raises:
        CannotStart: it did not answer in time, or is of a newer release.
    """
    from django.core.management import call_command  # noqa: PLC0415 - needs settings

    from core import schema  # noqa: PLC0415

    until = time.monotonic() + wait_s
    wait_for_database(until)
    with _one_at_a_time(until):
        misfit = schema.find_misfit()
        if misfit is None:
            return []
        if not misfit.may_pass:
            raise CannotStart(misfit.detail)
        missing = schema.missing_migrations()
        _be_patient()
        call_command("migrate", verbosity=0, interactive=False)
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
                raise CannotStart(f"The database does not answer: {_one_line(exc)}") from exc
            time.sleep(POLL_S)
        else:
            return


@contextlib.contextmanager
def _one_at_a_time(until: float) -> Iterator[None]:
    from django.db import connection  # noqa: PLC0415 - needs settings

    holding = _postgresql_lock if connection.vendor == "postgresql" else _file_lock
    with holding() as try_to_take:
        while not try_to_take():
            if time.monotonic() > until:
                raise CannotStart("Another process has been migrating the database all the while.")
            time.sleep(POLL_S)
        yield


@contextlib.contextmanager
def _postgresql_lock() -> Iterator:
    """On a connection of its own, and gone with it: whoever dies holds up nobody."""
    from django.db import connections  # noqa: PLC0415 - needs settings

    holder = connections.create_connection("default")

    def try_to_take() -> bool:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
            return bool(cursor.fetchone()[0])

    try:
        yield try_to_take
    finally:
        with contextlib.suppress(Exception), holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
        holder.close()


@contextlib.contextmanager
def _file_lock() -> Iterator:
    from django.conf import settings  # noqa: PLC0415 - needs settings

    folder = settings.HOME / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "migrate.lock").open("a+") as file:

        def try_to_take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield try_to_take


def _be_patient() -> None:
    """A large index takes longer than any request may; waiting for a lock does not become longer by that."""
    from django.db import connection  # noqa: PLC0415 - needs settings

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")


def grant_to_server(serving_url: str) -> None:
    """Let the role that serves use what was made. Raises django.db.Error."""
    from django.db import connection, transaction  # noqa: PLC0415 - needs settings

    from audit import guards  # noqa: PLC0415

    role = unquote(urlsplit(serving_url).username or "")
    if connection.vendor != "postgresql" or not role:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in guards.grants(role):
            cursor.execute(statement)


def _one_line(exc: BaseException) -> str:
    return " ".join(str(exc).split())


def main() -> None:
    """In the environment of the role that migrates; LINEAL_SERVING_URL names the one that will serve."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for name in migrate(float(sys.argv[1])):
        print(name)  # noqa: T201 - whoever started it reads it
    grant_to_server(os.environ.get("LINEAL_SERVING_URL", ""))


if __name__ == "__main__":
    try:
        main()
    except Exception as exc:  # noqa: BLE001 - the parent shows the last line
        import traceback

        plain = isinstance(exc, CannotStart)
        if not plain:
            traceback.print_exc()
        print(str(exc) if plain else f"{type(exc).__name__}: {_one_line(exc)}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
