"""A server with something to lose, and what everybody reads of it: for drills of backup and restore."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import lineal

from tests.server import Server, free_port

TRAINING = textwrap.dedent(
    """
    import sys, time
    import lineal

    with lineal.start_run("load", run_id=sys.argv[1], params={"lr": 0.1}) as run:
        for step in range(int(sys.argv[2])):
            run.log({"loss": 1 / (step + 1), "twice": 2 * step}, step=step)
            if step % 20 == 0:
                print(step, flush=True)
                time.sleep(0.05)
    """
)


@contextmanager
def database(kind: str, postgresql: str) -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database of the drill's own; None for SQLite in the home."""
    if kind == "sqlite":
        yield None
        return
    import psycopg

    name = f"drill_{uuid4().hex[:12]}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield postgresql.replace("/postgres?", f"/{name}?")
    finally:
        drop(postgresql, name)


def drop(postgresql: str, name: str) -> None:
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def server_on(folder: Path, url: str | None, *, home: str = "home", port: int | None = None) -> Server:
    """Not started. Clients in its environment share credentials and spool, whatever home and database it has."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
    env |= {"LINEAL_CREDENTIALS_FILE": str(folder / "credentials.json"), "LINEAL_SPOOL_DIR": str(folder / "spool")}
    if url:
        env["LINEAL_DATABASE_URL"] = url
    return Server(folder / home, port or free_port(), env)


@contextmanager
def training(server: Server, run_id: str, steps: int) -> Iterator[subprocess.Popen]:
    """A training process as a user would start it; ended with the block, whatever becomes of it."""
    settings = {"LINEAL_URL": server.url, "LINEAL_TOKEN": server.token, "LINEAL_FINISH_TIMEOUT": "150"}
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, run_id, str(steps)],
        env=server.env | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_step(process: subprocess.Popen, step: int) -> None:
    for line in process.stdout:
        if int(line) >= step:
            return
    raise AssertionError(process.stderr.read())


def wait_until(condition, what: str, limit_s: float = 60):
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {limit_s} s for {what}"
        time.sleep(0.1)
    return found


def make_history(client: lineal.Client, folder: Path) -> str:
    """A run with points and files, a model version of it, and a promotion; the run's id."""
    (folder / "model").mkdir()
    (folder / "model" / "weights.bin").write_bytes(os.urandom(300_000))
    (folder / "model" / "empty.txt").write_text("")
    with client.start_run("drill", params={"lr": 3e-4, "on": True}, tags={"team": "risk \u2192 \U0001f600"}) as run:
        for step in range(500):
            run.log({"loss": 1 / (step + 1), "nan": float("nan") if step % 7 else step}, step=step)
        run.log_artifact(folder / "model", path="model")
    version = client.register("fraud", run, artifact="model")
    promote(client, version.digest, "dev")
    return run.id


def promote(client: lineal.Client, digest: str, environment: str) -> None:
    assert client.promote("fraud", digest, to=environment, reason="the drill", wait_s=60).decision == "promoted"


def read_all(server: Server, run_id: str, folder: Path) -> dict:
    """What people and programs read of the history."""
    client = lineal.Client(url=server.url, token=server.token)
    wait_until(lambda: all(each["receipt"].get("uri") for each in listed(server, "promotions", "list")), "the receipt")
    shutil.rmtree(folder, ignore_errors=True)
    files = client.download_artifact(run_id, "model", to=folder)
    return {
        "run": client.get_run(run_id),
        "loss": [list(part) for part in client.history(run_id, "loss")],
        "nan": repr([list(part) for part in client.history(run_id, "nan")]),
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)},
        **{
            name: listed(server, *command)
            for name, command in {
                "versions": ("models", "versions", "fraud"),
                "promotions": ("promotions", "list"),
                "lineage": ("trace", "model:fraud@dev"),
            }.items()
        },
    }


def listed(server: Server, *command: str):
    return json.loads(server.cli(*command, "--json", "--url", server.url).stdout)


def points(server: Server, run_id: str, key: str) -> tuple[list, list]:
    steps, _, values = lineal.Client(url=server.url, token=server.token).history(run_id, key)
    return list(steps), list(values)
