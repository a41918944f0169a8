"""A migrated database to copy, made once for a run by whichever of its processes needs it first: migrating takes seconds each time."""

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

NAME = "lineal_template"  # on this run's PostgreSQL
MIGRATING_S = 120


def at_hand() -> bool:
    """Whether this is a run of tests: a benchmark has no folder for a template, and its servers migrate for themselves."""
    return "LINEAL_HOME" in os.environ


def _folder() -> Path:
    """Of the whole run, whichever process asks."""
    return Path(os.environ["LINEAL_HOME"]).parent


@contextmanager
def _alone() -> Iterator[bool]:
    """One process at a time; whether the template is there already. It is, for all others, once the first one leaves in peace."""
    made = _folder() / "template.made"
    with (_folder() / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield made.exists()
        made.touch()


def _migrate(home: Path, **env: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
    home.mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "config.migrating", str(MIGRATING_S)],
        env=clean | {"LINEAL_HOME": str(home)} | env,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def sqlite_template() -> Path:
    """A file that nothing has open."""
    home = _folder() / "template"
    with _alone() as made:
        if not made:
            _migrate(home)
    return home / "db.sqlite3"


def postgresql_template() -> str:
    """The name of a database that nobody is connected to, for `CREATE DATABASE … TEMPLATE`."""
    import psycopg

    admin = os.environ["LINEAL_DATABASE_URL"]
    with _alone() as made:
        if not made:
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {NAME}")
            _migrate(_folder() / "template", LINEAL_DATABASE_URL=admin.replace("/postgres?", f"/{NAME}?"))
    return NAME


def copy_sqlite(target: str | Path) -> sqlite3.Connection:
    """Fills the database at `target`, a path or a `file:` address. In memory it lasts as long as somebody is connected to it."""
    into = sqlite3.connect(target, uri=str(target).startswith("file:"), check_same_thread=False)
    with closing(sqlite3.connect(sqlite_template())) as template:
        template.backup(into)
    return into
