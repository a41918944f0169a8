"""An installation in parts: each role started by its own command, as containers have it, on the database of this run."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.server import free_port, give_database, postgresql_database

LINEAL = Path(sys.executable).with_name("lineal")
PATIENCE_S = 90  # of a test; the machine may be busy


def wait_for(look, what="it", limit_s=PATIENCE_S, pause_s=0.1):
    """What `look` finds, once it finds something."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(pause_s)
    raise AssertionError(f"waited {limit_s} s for {what}")


class Installation:
    """Its processes by name. `env` is what all of them have in common."""

    def __init__(self, folder, env):
        self.folder, self.env = folder, env
        self.home = Path(env["LINEAL_HOME"])
        self.processes, self.ports = {}, {}
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)

    def run(self, *arguments, code=0, **env):
        """`lineal …` to its end."""
        done = subprocess.run(
            [LINEAL, *map(str, arguments)], env=self.env | env, capture_output=True, text=True, timeout=180
        )
        assert code is None or done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, role, name=None, *options, program=(LINEAL,), wait=True, **env):
        """Starts a process of that role, and waits until it says that it is there."""
        name = name or role
        if role == "serve":
            self.ports.setdefault(name, free_port())
            options = ("--port", str(self.ports[name]), "--drain", "1", *options)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*program, role, *options],
                env=self.env | env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        if wait:
            self.wait_ready(role, name)

    def start_all(self, **roles):
        """By name, at once."""
        for name, role in roles.items():
            self.start(role, name, wait=False)
        for name, role in roles.items():
            self.wait_ready(role, name)

    def wait_ready(self, role, name):
        process = self.processes[name]

        def look():
            assert process.poll() is None, f"{name} ended with {process.returncode}: {self.log(name)[-2000:]}"
            if role == "serve":
                return self.ready(name)[0] == 200
            return any((self.home / "run").glob(f"{role}-*-{process.pid}.alive"))

        wait_for(look, f"{name} to start")

    def ready(self, name="serve"):
        """Status and body of its `/readyz`; (0, None) where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url(name)}/readyz", timeout=5) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def stop(self, name, number=signal.SIGTERM, limit_s=60):
        """Ends it by its own process id; its exit code."""
        process = self.processes.pop(name)
        process.send_signal(number)
        try:
            return process.wait(timeout=limit_s)
        finally:
            self._end(process)

    def kill(self, name):
        """-9, and what it had started with it."""
        process = self.processes.pop(name)
        self._end(process)
        process.wait(timeout=10)

    def _end(self, process):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def close(self):
        for name in list(self.processes):
            self.processes[name].terminate()
        for name, process in list(self.processes.items()):
            try:
                process.wait(timeout=30)
            finally:
                self._end(process)
                del self.processes[name]

    def url(self, name="serve"):
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def token(self):
        return (self.home / "owner.token").read_text().strip()

    def log(self, name):
        return (self.logs / f"{name}.log").read_text(errors="replace")

    @property
    def is_postgresql(self):
        return "LINEAL_DATABASE_URL" in self.env

    @contextmanager
    def database(self, *, autocommit=True):
        """A connection of the test's own: it sees what is committed, and holds locks as another process would."""
        if self.is_postgresql:
            import psycopg

            with psycopg.connect(self.env["LINEAL_DATABASE_URL"], autocommit=autocommit) as connection:
                yield connection
            return
        connection = sqlite3.connect(self.home / "db.sqlite3", timeout=20, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, sql):
        with self.database() as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql):
        with self.database() as connection:
            return connection.execute(sql).rowcount

    def open_jobs(self):
        """Name, attempts and last error of what is not done."""
        return self.rows("SELECT name, attempts, last_error FROM core_job WHERE done_at IS NULL ORDER BY id")

    def make_due(self, job=None, periodic=None):
        """Let time pass for them: waiting jobs of that name, or the turn of a periodic one."""
        if job:
            self.execute(f"UPDATE core_job SET due_at = created_at WHERE name = '{job}' AND done_at IS NULL")
        if periodic:
            self.execute(f"UPDATE core_periodicrun SET last_at = '2020-01-01 00:00:00' WHERE name = '{periodic}'")


@contextmanager
def installation(folder, **settings):
    """Migrated, with nothing running yet; ended on leaving. `settings` are LINEAL_* variables."""
    with postgresql_database(migrated=True) as database:
        env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
        env |= {
            "LINEAL_HOME": str(folder / "home"),
            "LINEAL_CREDENTIALS_FILE": str(folder / "credentials.json"),
            "LINEAL_SPOOL_DIR": str(folder / "spool"),
            "LINEAL_SWEEP_S": "1",
            "LINEAL_LEASE_S": "3",
        }
        if database:
            env["LINEAL_DATABASE_URL"] = database
        made = Installation(folder, env | settings)
        give_database(made.home, database)
        try:
            made.run("migrate")
            yield made
        finally:
            made.close()
