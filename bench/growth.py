"""What a point costs as a store grows, from a hundred thousand points on.

Batches of 40,000 points go into one store; the cost is that of the last batches before each mark, as their sender waits for them, and the
chart is of a series of its own of 10,000 points. A line that stays flat costs the same however much is held. (How searches grow is
told by the scenario `search`.)
"""

import statistics
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.beside import NAMES, postgresql
from bench.plot import Curve, Curves
from bench.wire import Wire
from tests.server import Server, running_server

BATCH = 40_000  # points: ten metrics of 4,000 steps
KEYS = [f"m{number}" for number in range(10)]
TIMED = 10  # batches before a mark
CHARTED = 10_000  # points
CALLS = 30

databases: Sequence[str] = ("sqlite", "postgresql")  # `--database`
points = 10_000_000  # in the last store of the row; `--points`


def measure_points(folder: Path) -> list[Curves]:
    storing: list[Curve] = []
    charting: list[Curve] = []
    for name in databases:
        with _server(folder / f"points-{name}", name) as server:
            found = list(_grown(Wire(server.url, server.token), marks(100_000, points)))
        storing.append(Curve(f"store, {NAMES[name]}", [(at, 1_000_000 * took) for at, took, _ in found]))
        charting.append(Curve(f"chart, {NAMES[name]}", [(at, 1_000 * took) for at, _, took in found]))
    return [
        Curves("growth-points", "Cost of storing a point", "points in the store", "µs per point", storing),
        Curves("growth-charts", "Chart of 10,000 points", "points in the store", "ms, median", charting),
    ]


def marks(first: int, last: int) -> list[int]:
    """Powers of ten times `first` up to `last`, which is among them whatever it is."""
    found = [first] if first < last else []
    while found and found[-1] * 10 < last:
        found.append(found[-1] * 10)
    return [*found, last]


def _grown(wire: Wire, wanted: Sequence[int]) -> Iterator[tuple[int, float, float]]:
    """At each mark: points, seconds for one of the last, seconds for a chart. All is counted back at the end."""
    charted = _charted(wire)
    run, writer, held, sequence = wire.start_run("growth"), uuid4().hex, 0, 0
    for mark in wanted:
        taken: list[float] = []
        while held < mark:
            sequence += 1
            body = _body(writer, sequence)
            begun = time.perf_counter()
            wire.batch(run, body)
            taken.append(time.perf_counter() - begun)
            held += BATCH
        yield held, statistics.median(taken[-TIMED:]) / BATCH, _median_s(lambda: _chart(wire, charted))
    counts = {key: each["count"] for key, each in wire.json("GET", f"runs/{run}")["metrics"].items()}
    if counts != dict.fromkeys(KEYS, held // len(KEYS)):
        raise RuntimeError(f"{held:,} points were sent, and the store counts {counts}")


def _body(writer: str, sequence: int) -> bytes:
    each = BATCH // len(KEYS)
    first = (sequence - 1) * each
    steps = array("q", range(first, first + each))
    times = array("q", [1_700_000_000_000_000 + step * 1_000 for step in steps]).tobytes()
    values = array("d", [(step * 2_654_435_761 % 1_000_003) / 1_000_003 for step in steps]).tobytes()
    metrics = [{"key": key, "steps": steps.tobytes(), "times": times, "values": values} for key in KEYS]
    return msgspec.msgpack.encode({"writer": writer, "sequence": sequence, "metrics": metrics})


def _charted(wire: Wire) -> str:
    run, steps = wire.start_run("growth"), array("q", range(CHARTED))
    columns = {"steps": steps.tobytes(), "times": steps.tobytes(), "values": array("d", steps).tobytes()}
    wire.batch(
        run, msgspec.msgpack.encode({"writer": uuid4().hex, "sequence": 1, "metrics": [{"key": "loss"} | columns]})
    )
    wire.json("POST", f"runs/{run}/finish", {})
    return run


def _chart(wire: Wire, run: str) -> None:
    wire.send("GET", f"runs/{run}/series?key=loss&max_points=1000")


@contextmanager
def _server(folder: Path, name: str) -> Iterator[Server]:
    folder.mkdir()
    with _database(folder, name) as settings, running_server(folder, **settings) as server:
        yield server


@contextmanager
def _database(folder: Path, name: str) -> Iterator[dict[str, str]]:
    if name == "sqlite":
        yield {}
        return
    with postgresql(folder) as url:
        yield {"LINEAL_DATABASE_URL": url}


def _median_s(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
