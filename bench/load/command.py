"""Many users at once: training code that logs, pipelines that promote, and people who look into it.

Beside the other scenarios, which measure one thing as fast as it goes, this one asks whether all of it goes together:
every answer's content is checked, batches are repeated and sent out of turn, and at the end each run is read back and
compared point by point.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import report
from bench.load.metrics import KEYS, STEPS, columns
from bench.sheet import Sheet, print_sheet
from bench.wire import Wire
from tests.postgresql import start_postgresql
from tests.server import Server, running_server

ROOT = Path(__file__).parents[2]
COMPARED = KEYS[3]  # the series whose every value is compared; of the others the number of points is
MOST_USERS, MOST_SECONDS = 300, 1_800
STARTING_S, STOPPING_S = 60, 120  # beside the load itself
LAST_LINES = 60
STOPPED = re.compile(r" stopped with code | keeps stopping")
LOUD = re.compile(r"^\S+ (ERROR|CRITICAL) ")
COLUMNS = ("request", "requests", "requests/s", "p50 ms", "p95 ms", "p99 ms", "failures")


@dataclass(frozen=True)
class Load:
    users: int
    seconds: int
    database: str


@dataclass(frozen=True)
class Outcome:
    """What the swarm met, and what the server holds afterwards."""

    met: Mapping[str, Any]
    points: int
    lost: Sequence[str]
    loud: Sequence[str]  # processes that stopped, and errors that they wrote down

    @property
    def failures(self) -> list[str]:
        return [*self.met["errors"], *self.met["broken"], *self.lost, *self.loud]


def main(arguments: list[str]) -> int:
    wish = _parsed(arguments)
    load = Load(wish.users, wish.seconds, wish.database)
    taken_on = report.machine()
    outcome = put_on(load)
    sheet = sheet_of(load, outcome, taken_on)
    print_sheet(sheet)
    for failure in outcome.failures[:40]:
        print(f"FAILED {failure}", file=sys.stderr)
    if wish.write:
        body = f"{(__doc__ or '').strip()}\n\n{sheet.note}\n\n{sheet.table()}"
        report.write_section(ROOT / "docs" / "benchmarks.md", f"load-{load.database}", body)
    return 1 if outcome.failures else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench load", description="Many users at once, on loopback.")
    parser.add_argument("--users", type=_within(MOST_USERS), default=30)
    parser.add_argument("--seconds", type=_within(MOST_SECONDS), default=60)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    return parser.parse_args(arguments)


def _within(most: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"has to be from 1 to {most}")
        return value

    return number


def put_on(load: Load) -> Outcome:
    """The load, on a server of its own in a temporary home; which is ended, as is the swarm, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="lineal-load-") as folder, _server(Path(folder), load.database) as server:
        try:
            met = _swarm(server, load)
            lost, points = _compare(Wire(server.url, server.token), met["runs"])
        except Exception:
            print("".join(server.output[-LAST_LINES:]), file=sys.stderr)  # what it said is gone with its home
            raise
        return Outcome(met, points, lost, _loud(server))


@contextmanager
def _server(folder: Path, database: str) -> Iterator[Server]:
    settings = {"LINEAL_DATABASE_URL": start_postgresql(folder)} if database == "postgresql" else {}
    with running_server(folder / "server", **settings) as server:
        yield server


def _loud(server: Server) -> list[str]:
    """What the users need not have felt: a worker that was started again has lost nothing, and should not have stopped."""
    stopped = [line.strip() for line in server.output if STOPPED.search(line)]
    logs = sorted((server.home / "log").glob("*.log"))
    lines = [f"{log.name}: {line[:300]}" for log in logs for line in log.read_text(errors="replace").splitlines()]
    return [*stopped, *(line for line in lines if LOUD.search(line.partition(": ")[2]))]


def _swarm(server: Server, load: Load) -> dict[str, Any]:
    orders = {
        "url": server.url,
        "token": server.token,
        "link": server.link,
        "users": load.users,
        "seconds": load.seconds,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.load.swarm"],
        input=json.dumps(orders),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        timeout=STARTING_S + load.seconds + STOPPING_S,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _compare(wire: Wire, runs: Sequence[tuple[str, str, int, int]]) -> tuple[list[str], int]:
    """What is missing or too much, and how many points there are. Every run is read back."""
    lost, points = [], 0
    for run, writer, acknowledged, in_flight in runs:
        metrics = wire.json("GET", f"runs/{run}")["metrics"]
        counts = {metrics[key]["count"] if key in metrics else 0 for key in KEYS}
        allowed = {acknowledged * STEPS, in_flight * STEPS}
        if len(counts) != 1 or not counts <= allowed:
            lost.append(f"run {run} has {sorted(counts)} points a series; {sorted(allowed)} were sent")
            continue
        (count,) = counts
        points += count * len(KEYS)
        if count and _values(wire, run) != _sent(writer, count // STEPS):
            lost.append(f"run {run}: the values of {COMPARED} are not those that were sent")
    return lost, points


def _values(wire: Wire, run: str) -> bytes:
    raw: bytes = msgspec.msgpack.decode(wire.send("GET", f"runs/{run}/series/raw?key={COMPARED}"))[COMPARED]["values"]
    return raw


def _sent(writer: str, batches: int) -> bytes:
    values = [value for sequence in range(1, batches + 1) for value in columns(writer, sequence, COMPARED)[2]]
    return array("d", values).tobytes()


def sheet_of(load: Load, outcome: Outcome, taken_on: str) -> Sheet:
    rows = [
        (
            "all" if kind["name"] == "Aggregated" else kind["name"],
            f"{kind['count']:,}",
            f"{kind['per_s']:.1f}",
            *(f"{kind[percentile]:.0f}" for percentile in ("p50_ms", "p95_ms", "p99_ms")),
            str(kind["failures"]),
        )
        for kind in outcome.met["kinds"]
    ]
    runs = outcome.met["runs"]
    after = f", {os.getloadavg()[0]:.1f} after" if hasattr(os, "getloadavg") else ""
    note = (
        f"{report.today()}: {load.users} users for {load.seconds} s, {load.database}; {taken_on}{after}. The server, the\n"
        "database and the users share the machine with whatever else the load before tells of.\n"
        f"{len(runs)} runs read back: {outcome.points:,} points there, {len(outcome.lost)} runs that differ from what was sent;\n"
        f"{outcome.met['registered']} versions registered, promoted and receipted."
    )
    return Sheet(f"load-{load.database}", f"{load.users} users, {load.database}", COLUMNS, rows, note)
