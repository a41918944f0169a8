"""Points stored a second: eight writers of thousand-point batches, beside bare inserts of the same packed rows."""

import random
import sqlite3
import threading
import time
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.table import Row
from bench.wire import Wire, pack
from tests.server import running_server

WRITERS = 8
BATCHES = 100
POINTS = 1_000  # a batch: ten metrics of a hundred steps


def measure(folder: Path) -> list[Row]:
    bodies = {writer: [_body(writer, sequence) for sequence in range(1, BATCHES + 1)] for writer in _writers()}
    with running_server(folder) as server:
        rate = _store(server.url, server.token, bodies)
    return [
        Row("ingest, 8 writers", "points/s", rate, _bare_inserts(folder, bodies), "bare SQLite inserts, one a batch")
    ]


def _writers() -> list[str]:
    return [uuid4().hex for _ in range(WRITERS)]


def _body(writer: str, sequence: int) -> bytes:
    noise = random.Random(f"{writer}{sequence}")
    first = (sequence - 1) * 100
    steps = range(first, first + 100)
    times = [1_700_000_000_000_000 + step * 1_000 for step in steps]
    return pack(writer, sequence, {f"m{k}": (steps, times, [noise.random() for _ in steps]) for k in range(10)})


def _store(url: str, token: str, bodies: dict[str, list[bytes]]) -> float:
    runs = {writer: Wire(url, token).start_run("bench") for writer in bodies}
    threads = [
        threading.Thread(target=_write, args=(Wire(url, token), runs[writer], sent)) for writer, sent in bodies.items()
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    _compare(Wire(url, token), runs, bodies)
    return WRITERS * BATCHES * POINTS / took


def _write(wire: Wire, run: str, bodies: list[bytes]) -> None:
    for body in bodies:
        wire.batch(run, body)


def _compare(wire: Wire, runs: dict[str, str], bodies: dict[str, list[bytes]]) -> None:
    """Every value back as it went in; otherwise the figure is worth nothing."""
    for writer, run in runs.items():
        sent = b"".join(msgspec.msgpack.decode(body)["metrics"][3]["values"] for body in bodies[writer])
        got = msgspec.msgpack.decode(wire.send("GET", f"runs/{run}/series/raw?key=m3"))["m3"]["values"]
        if got != sent:
            raise RuntimeError(f"run {run} does not hold what was sent to it")


def _bare_inserts(folder: Path, bodies: dict[str, list[bytes]]) -> float:
    """One transaction with an fsync for each batch, as an acknowledged batch needs."""
    database = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE batch (id INTEGER PRIMARY KEY, payload BLOB)")
    begun = time.perf_counter()
    for sent in bodies.values():
        for body in sent:
            database.execute("INSERT INTO batch (payload) VALUES (?)", [body])
    took = time.perf_counter() - begun
    database.close()
    return WRITERS * BATCHES * POINTS / took
