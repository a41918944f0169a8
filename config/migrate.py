"""Apply migrations: `python -m config.migrate`.

Connects as the role of LINEAL_DATABASE_MIGRATE_URL where one is set, without limits of time. The role that serves gets
its grants after each migration (`audit.serving`).
"""

import os
import sys

from config import database


def main() -> None:
    database.work = "migration"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django  # noqa: PLC0415 - reads the settings, which ask what work this is
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def in_one_line(exc: Exception) -> str:
    """What is wrong, for people; with what to do about it where that is known."""
    text = str(exc).strip().replace("\n", " ")
    if getattr(exc.__cause__, "sqlstate", "") == "42501":  # insufficient privilege
        return f"the role of LINEAL_DATABASE_URL lacks rights ({text}). Set LINEAL_DATABASE_MIGRATE_URL to the owner's."
    return f"{type(exc).__name__}: {text}"


if __name__ == "__main__":
    try:
        main()
    except Exception as exc:  # noqa: BLE001 - whoever runs it reads the last line
        import traceback

        traceback.print_exc()
        print(f"The migrations stopped: {in_one_line(exc)}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
