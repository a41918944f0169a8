"""Reading a long series back: the whole of it, and its chart, beside decoding the same bytes in memory."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.table import Row
from bench.wire import Wire, pack
from tests.server import running_server
from tracking.metrics import codec
from tracking.metrics.points import make_points

POINTS = 1_000_000
BATCH = 40_000
REPEATS = 5


def measure(folder: Path) -> list[Row]:
    steps = list(range(POINTS))
    values = [(step * 2_654_435_761 % 1_000_003) / 1_000_003 for step in steps]
    with running_server(folder) as server:
        wire = Wire(server.url, server.token)
        run = _fill(wire, steps, values)
        whole = _median(lambda: _whole(wire, run, POINTS))
        chart = _median(lambda: wire.send("GET", f"runs/{run}/series?key=loss&max_points=1000"))
    decoding = _decoding(steps, values)
    return [
        Row("history of 1M points", "ms", whole, decoding, "decoding the same chunks in memory", more_is_better=False),
        Row("chart of 1M points", "ms", chart, decoding, "decoding the same chunks in memory", more_is_better=False),
    ]


def _fill(wire: Wire, steps: list[int], values: list[float]) -> str:
    run, writer = wire.start_run("bench"), uuid4().hex
    for sequence, first in enumerate(range(0, POINTS, BATCH), 1):
        part = steps[first : first + BATCH]
        wire.batch(run, pack(writer, sequence, {"loss": (part, part, values[first : first + BATCH])}))
    wire.json("POST", f"runs/{run}/finish", {})
    time.sleep(3)  # the worker rewrites the batches as chunks
    return run


def _whole(wire: Wire, run: str, expected: int) -> None:
    found = msgspec.msgpack.decode(wire.send("GET", f"runs/{run}/series/raw?key=loss"))["loss"]
    if len(found["values"]) != 8 * expected:
        raise RuntimeError("points are missing")


def _median(act: Callable[[], object]) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(taken)


def _decoding(steps: list[int], values: list[float]) -> float:
    chunks = [
        codec.encode(make_points(steps[at : at + 4_000], steps[at : at + 4_000], values[at : at + 4_000]))
        for at in range(0, POINTS, 4_000)
    ]
    return _median(lambda: [codec.decode(chunk) for chunk in chunks])
