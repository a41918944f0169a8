"""Where ingest is measured: a whole server on SQLite, another on a PostgreSQL of its own, and what tells their cost."""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from bench import processor
from tests.postgresql import start_postgresql
from tests.server import Server, running_server


@dataclass(frozen=True)
class Place:
    """`commit` runs one statement in a transaction of its own, straight on the database: the bare insert."""

    name: str
    server: Server
    folder: Path
    _postmaster: int | None
    _open: Callable[[], Any]

    @property
    def mark(self) -> str:
        """How a value is marked in this database's SQL."""
        return "%s" if self._postmaster else "?"

    def web_s(self) -> float:
        """Processor time of the web process so far."""
        return processor.of_part(self._pid, "web")

    def worker_s(self) -> float:
        return processor.of_part(self._pid, "worker")

    def database_s(self) -> float:
        """Of the database server; on SQLite its work is the web process's own."""
        return processor.seconds(self._postmaster) if self._postmaster else 0.0

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection past the server, where each statement is a transaction."""
        opened = self._open()
        try:
            yield opened
        finally:
            opened.close()

    @property
    def _pid(self) -> int:
        if self.server.process is None:
            raise RuntimeError("the server has stopped")
        return self.server.process.pid


@contextmanager
def places(folder: Path, *, more: Sequence[int] = ()) -> Iterator[Iterator[Place]]:
    """One after the other, each with a server that ends before the next begins; PostgreSQL again with `more` web processes."""
    with closing(_each(folder, more)) as found:
        yield found


def _each(folder: Path, more: Sequence[int]) -> Generator[Place, None, None]:
    with on_sqlite(folder / "sqlite") as place:
        yield place
    with on_postgresql(folder / "postgresql") as place:
        yield place
    for workers in more:
        with on_postgresql(folder / f"web-{workers}", LINEAL_WEB_WORKERS=str(workers)) as place:
            yield replace(place, name=f"{workers} web processes, {place.name}")


@contextmanager
def on_sqlite(folder: Path, **settings: str) -> Iterator[Place]:
    folder.mkdir(exist_ok=True)
    with running_server(folder, **settings) as server:

        def opened() -> sqlite3.Connection:
            database = sqlite3.connect(server.home / "db.sqlite3", isolation_level=None, timeout=20)
            database.execute("PRAGMA synchronous=FULL")
            return database

        yield Place("SQLite", server, folder, None, opened)


@contextmanager
def on_postgresql(folder: Path, **settings: str) -> Iterator[Place]:
    folder.mkdir(exist_ok=True)
    url = start_postgresql(folder)
    postmaster = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    with running_server(folder, LINEAL_DATABASE_URL=url, **settings) as server, psycopg.connect(url) as asked:
        version = asked.info.parameter_status("server_version")
        name = f"PostgreSQL {(version or '').split()[0]}"
        yield Place(name, server, folder, postmaster, lambda: psycopg.connect(url, autocommit=True))
