"""A whole Lineal server for a test: `lineal up` on a free port, a fresh home, and the database of this run."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from tests import templates


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A running server: where it is, what signs in to it, and the process that runs it."""

    home: Path
    port: int
    env: dict[str, str]
    process: subprocess.Popen | None = None
    link: str = ""
    output: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return (self.home / "owner.token").read_text().strip()

    def start(self, limit_s: float = 60) -> None:
        lineal = Path(sys.executable).with_name("lineal")
        self.process = subprocess.Popen(
            [lineal, "up", "--home", self.home, "--port", str(self.port), "--no-browser"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        end = time.monotonic() + limit_s
        for line in self.process.stdout:
            self.output.append(line)
            if "/login#" in line:
                self.link = line.split()[-1]
            if line.startswith("SDK and CLI") or time.monotonic() > end:
                self.reader = threading.Thread(target=self._read_on, args=(self.process,), daemon=True)
                self.reader.start()
                return
        raise AssertionError(f"the server did not start: {''.join(self.output)}")

    def _read_on(self, process: subprocess.Popen) -> None:
        """A server that nobody reads would wait for its own log, once the pipe is full."""
        for line in process.stdout:
            self.output.append(line)

    def stop(self, number: int = signal.SIGTERM, limit_s: float = 60) -> int:
        """Ends the server by its own process id; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(timeout=limit_s)
        if self.reader is not None:
            self.reader.join(timeout=limit_s)
        self.process.stdout.close()
        self.process, self.reader = None, None
        return code

    def cli(self, *arguments: str, code: int | None = 0, **extra) -> subprocess.CompletedProcess:
        """Runs `lineal …` as this machine's owner; checks the exit code unless `code` is None."""
        lineal = Path(sys.executable).with_name("lineal")
        done = subprocess.run(
            [lineal, *map(str, arguments)],
            env=self.env | extra.pop("env", {}),
            capture_output=True,
            text=True,
            timeout=120,
            **extra,
        )
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=30) as response:
                return response.status == 200
        except OSError:
            return False


@contextmanager
def postgresql_database(*, migrated: bool = False) -> Iterator[str | None]:
    """The URL of a database of the test's own on this run's PostgreSQL, empty unless `migrated`; None when the run is on SQLite."""
    admin = os.environ.get("LINEAL_DATABASE_URL")
    if not admin:
        yield None
        return
    import psycopg

    name = f"server_{uuid4().hex[:12]}"
    template = templates.postgresql_template() if migrated else "template1"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield admin.replace("/postgres?", f"/{name}?")
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def give_database(home: Path, database: str | None) -> None:
    """A home whose database is migrated and holds nothing yet; one on PostgreSQL was so from the start."""
    home.mkdir(mode=0o700, parents=True)
    if database is None:
        path = home / "db.sqlite3"
        path.touch(mode=0o600)
        templates.copy_sqlite(path).close()


@contextmanager
def running_server(folder: Path, *, migrated: bool = True, **settings: str) -> Iterator[Server]:
    """A server in `folder`, ended on leaving; `settings` are LINEAL_* variables. It finds its database `migrated`, which saves it
    seconds, or nothing at all."""
    migrated = migrated and templates.at_hand()
    with postgresql_database(migrated=migrated) as database:
        env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
        env |= {"LINEAL_CREDENTIALS_FILE": str(folder / "credentials.json"), "LINEAL_SPOOL_DIR": str(folder / "spool")}
        if database:
            env["LINEAL_DATABASE_URL"] = database
        server = Server(folder / "home", free_port(), env | settings)
        if migrated:
            give_database(server.home, database)
        try:
            server.start()
            yield server
        finally:
            server.stop()
