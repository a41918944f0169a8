"""Reading series back: all of a million points, their chart, and charts of many runs at once, from both databases.

What comes back is compared: every point of a history; of a chart, that it has every spike and every value that is no number, and that it
is the same before a worker has rewritten the batches as chunks and after. The limit is decoding the same bytes, read from a file, with
numpy: all chunks for a history, what chunks show from afar for a chart. A chart has 1,000 buckets. The target for a chart is of the
server's time; the time here is what its client waits, and what the server's processes computed is told beside it.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
from lineal import Client

from bench.table import Row, shown
from bench.wire import Wire, pack
from tests.postgresql import start_postgresql
from tests.server import Server, running_server
from tracking.metrics import codec
from tracking.metrics.downsample import outline
from tracking.metrics.points import Points

POINTS, BATCH, CHUNK = 1_000_000, 40_000, 4_000
BUCKETS = 1_000
RUNS, KEYS, RUN_POINTS = 50, 5, 10_000
REPEATS = 15
HISTORY_MS, CHART_MS = 250.0, 12.0  # targets
SETTLE_LIMIT_S = 120
SPIKES = {271_828: 99.0, 314_159: -99.0, 577_215: float("nan"), 618_033: float("inf"), 999_998: 50.0}
WHOLE = "reading the same chunks from a file and decoding them"
AFAR = "reading the same outlines from a file and decoding them"


def measure(folder: Path) -> list[Row]:
    limits = _Limits(folder)
    rows: list[Row] = []
    for name in ("SQLite", "PostgreSQL"):
        with _server(folder / name, name) as server:
            rows += [*_of_one(server, name, limits), *_of_many(server, name, limits)]
    return rows


@contextmanager
def _server(folder: Path, name: str) -> Iterator[Server]:
    folder.mkdir()
    with ExitStack() as stack:
        settings = {"LINEAL_DATABASE_URL": start_postgresql(folder)} if name == "PostgreSQL" else {}
        yield stack.enter_context(running_server(folder / "server", **settings))


def _of_one(server: Server, name: str, limits: "_Limits") -> list[Row]:
    wire, client = Wire(server.url, server.token), Client(server.url, server.token, project="default")
    points = _million()
    run = _fill(wire, {"loss": points})
    waiting, early = _timed(server, lambda: _chart(client, run))
    _settle(wire, run)
    whole, history = _timed(server, lambda: client.history(run, "loss", numpy=True))
    chart, late = _timed(server, lambda: _chart(client, run))
    tail, delta = _timed(server, lambda: _chart(client, run, since=POINTS - 100))
    for found, sent in zip(history, (points.steps, points.times, points.values), strict=True):
        np.testing.assert_array_equal(found, sent)
    _check_spikes(late, points)
    for ours, theirs in zip(late.points, early.points, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(delta.points.steps, points.steps[-100:])
    return [
        _row(f"history of 1M points to arrays, {name}", whole, limits.whole, WHOLE, HISTORY_MS),
        _row(f"chart of 1M points, {name}", chart, limits.afar, AFAR, CHART_MS),
        _row(f"chart of 1M points not yet rewritten as chunks, {name}", waiting, limits.whole, WHOLE),
        _row(f"chart of 1M points, the last 100 of them, {name}", tail, limits.afar, AFAR),
    ]


def _of_many(server: Server, name: str, limits: "_Limits") -> list[Row]:
    wire, client = Wire(server.url, server.token), Client(server.url, server.token, project="default")
    keys = [f"m{key}" for key in range(KEYS)]
    noise = np.random.default_rng(7)
    steps = np.arange(RUN_POINTS)
    sent = {}
    for _ in range(RUNS):
        series = {key: Points(steps, steps, noise.normal(size=RUN_POINTS).cumsum()) for key in keys}
        sent[_fill(wire, series)] = series
    for run in sent:
        _settle(wire, run)
    taken, found = _timed(server, lambda: client.charts(list(sent), keys, max_points=1_000, numpy=True))
    for run, series in sent.items():
        for key, points in series.items():
            values = found[run][key].points.values
            if (values.min(), values.max()) != (points.values.min(), points.values.max()):
                raise RuntimeError("a chart lost an extreme")
    scenario = f"charts of {RUNS} runs × {KEYS} metrics of {RUN_POINTS:,} points, {name}"
    return [_row(scenario, taken, limits.of_many, WHOLE)]


def _chart(client: Client, run: str, since: int = 0) -> Any:
    known = {run: {"loss": since}} if since else None
    return client.charts([run], ["loss"], max_points=2 * BUCKETS + 2, since=known, numpy=True)[run]["loss"]


def _check_spikes(chart: Any, points: Points) -> None:
    drawn = dict(zip(chart.points.steps.tolist(), chart.points.values.tolist(), strict=True))
    for step, value in SPIKES.items():
        np.testing.assert_equal(drawn.get(step), value)
    if not all(np.array_equal(points.values[step], value, equal_nan=True) for step, value in drawn.items()):
        raise RuntimeError("a chart shows what was never logged")


def _million() -> Points:
    steps = np.arange(POINTS)
    values = (steps * 2_654_435_761 % 1_000_003) / 1_000_003
    values[list(SPIKES)] = list(SPIKES.values())
    return Points(steps, 1_700_000_000_000_000 + steps * 10_000, values)


def _fill(wire: Wire, series: dict[str, Points]) -> str:
    run, writer = wire.start_run("bench"), uuid4().hex
    size = BATCH // len(series)
    longest = max(map(len, series.values()))
    for sequence, first in enumerate(range(0, longest, size), 1):
        parts = {key: points[first : first + size] for key, points in series.items()}
        columns = {key: (part.steps.tolist(), part.times.tolist(), part.values.tolist()) for key, part in parts.items()}
        wire.batch(run, pack(writer, sequence, columns))
    return run


def _settle(wire: Wire, run: str) -> None:
    """Until the worker has rewritten the batches as chunks, which is before it seals the run."""
    wire.json("POST", f"runs/{run}/finish", {})
    end = time.monotonic() + SETTLE_LIMIT_S
    while not wire.json("GET", f"runs/{run}")["sealed"]:
        if time.monotonic() > end:
            raise RuntimeError("no worker rewrote the points")
        time.sleep(0.1)


@dataclass(frozen=True)
class _Taken:
    """Milliseconds: what the client waited, and what the server's processes computed for each request."""

    median: float
    best: float
    cpu: float


def _timed(server: Server, act: Callable[[], Any]) -> tuple[_Taken, Any]:
    found = act()
    taken = []
    before = _cpu_s(server)
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1_000)
    cpu = (_cpu_s(server) - before) * 1_000 / REPEATS
    return _Taken(statistics.median(taken), min(taken), cpu), found


def _cpu_s(server: Server) -> float:
    """Of all its processes, the database's aside."""
    if server.process is None:
        raise RuntimeError("the server has stopped")
    top = psutil.Process(server.process.pid)
    return sum(sum(each.cpu_times()[:2]) for each in [top, *top.children(recursive=True)])


class _Limits:
    """Milliseconds, from files that lie in memory as the database's do."""

    def __init__(self, folder: Path) -> None:
        points = _million()
        chunks = [points[at : at + CHUNK] for at in range(0, POINTS, CHUNK)]
        noise = np.random.default_rng(7).normal(size=RUN_POINTS).cumsum()
        of_run = Points(points.steps[:RUN_POINTS], points.times[:RUN_POINTS], noise)
        many = [of_run[at : at + CHUNK] for at in range(0, RUN_POINTS, CHUNK)] * (RUNS * KEYS)
        self.whole = _decoding(folder / "whole", chunks)
        self.afar = _decoding(folder / "afar", [outline(chunk).points for chunk in chunks])
        self.of_many = _decoding(folder / "many", many)


def _decoding(file: Path, chunks: Sequence[Points]) -> float:
    encoded = [codec.encode(chunk) for chunk in chunks]
    file.write_bytes(b"".join(encoded))
    ends = np.cumsum([len(each) for each in encoded]).tolist()
    starts = [0, *ends[:-1]]

    def decode() -> None:
        held = memoryview(file.read_bytes())
        for start, end in zip(starts, ends, strict=True):
            codec.decode(held[start:end])

    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        decode()
        taken.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(taken)


def _row(scenario: str, taken: _Taken, limit: float, limit_is: str, target: float | None = None) -> Row:
    verdict = f"target {target:g} ms {'met' if taken.median <= target else 'MISSED'}; " if target else ""
    detail = f"{verdict}best {shown(taken.best)} ms; server's CPU {shown(taken.cpu)} ms; median of {REPEATS}"
    return Row(scenario, "ms", taken.median, limit, limit_is, more_is_better=False, detail=detail)
