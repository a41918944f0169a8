"""Two roles on this run's PostgreSQL, as a team has them: one owns the database and migrates, one serves."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

PAGE = Path(__file__).parents[1] / "docs" / "postgresql.md"


@dataclass(frozen=True)
class Roles:
    admin_url: str  # a superuser, on the same database
    owner_url: str
    app_url: str
    app: str


@contextmanager
def two_roles() -> Iterator[Roles]:
    """A database of the test's own with the recipe of docs/postgresql.md; gone on leaving."""
    admin = os.environ["LINEAL_DATABASE_URL"]
    mark = uuid4().hex[:10]
    database, owner, app = f"db_{mark}", f"owner_{mark}", f"app_{mark}"
    names = {"lineal_owner": owner, "lineal_app": app, "DATABASE lineal": f"DATABASE {database}"}
    with psycopg.connect(admin, autocommit=True) as connection:
        for statement in _recipe():
            connection.execute(re.sub("|".join(names), lambda match: names[match[0]], statement))
    try:
        yield Roles(
            admin_url=_at(admin, database),
            owner_url=_at(admin, database, owner),
            app_url=_at(admin, database, app),
            app=app,
        )
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
            for role in (owner, app):
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _recipe() -> list[str]:
    """The SQL under "Two roles", a statement a line."""
    section = PAGE.read_text().partition("## Two roles")[2]
    return re.search(r"```sql\n(.*?)```", section, re.DOTALL)[1].splitlines()


def _at(url: str, database: str, role: str = "") -> str:
    parts = urlsplit(url)
    place = parts.netloc if not role else f"{role}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=place, path=f"/{database}"))
