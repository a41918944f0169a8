"""Stores that a scenario fills before it serves them: a home, its database, processes of ours that work on it, and its server."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench.beside import NAMES, postgresql
from tests.server import Server, free_port


@dataclass(frozen=True)
class Store:
    """A home and, for PostgreSQL, the URL of its database."""

    home: Path
    name: str
    url: str


@contextmanager
def stored(folder: Path, name: str) -> Iterator[Store]:
    home = folder / f"home-{name}"
    home.mkdir()
    with postgresql(folder) if name == "postgresql" else nullcontext("") as url:
        yield Store(home, NAMES[name], url)


@contextmanager
def served(store: Store) -> Iterator[Server]:
    server = Server(store.home, free_port(), environment(store))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def in_the_store(store: Store, arguments: Sequence[str]) -> subprocess.Popen[str]:
    """A process of ours that works on that store, as Django knows one database."""
    env = environment(store) | {"LINEAL_HOME": str(store.home), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said_in_the_store(store: Store, arguments: Sequence[str], sent: str = "") -> str:
    """What such a process answers to `sent`.

    Raises:
        RuntimeError: it failed.
    """
    process = in_the_store(store, arguments)
    said, _ = process.communicate(sent)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode} in the store on {store.name}.")
    return said


def environment(store: Store) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
    env["LINEAL_CREDENTIALS_FILE"] = str(store.home / "credentials.json")
    return env | ({"LINEAL_DATABASE_URL": store.url} if store.url else {})
