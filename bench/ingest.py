"""Points stored a second: eight writers of thousand-point batches, ten metrics of a hundred steps each, over HTTP, on both databases.

Each figure stands beside two limits of the same run: bare inserts of the same packed rows, each committed for itself, by one
connection of the database and nothing in between; and a Django view on the same app server that reads the same requests and
stores nothing. Every point is read back and compared. The client writes ready-made requests to sockets, since it shares the
machine; processor time is what the web process, the database and the worker that rewrites batches spent on each batch. On PostgreSQL
there may be several web processes (`LINEAL_WEB_WORKERS`), and the last rows have two of them, one for each core.
"""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.null_site import null_site
from bench.places import Place, places
from bench.sheet import Sheet
from bench.sockets import Driven, drive, post
from bench.table import Row, shown
from bench.wire import Wire, pack
from tracking.metrics import codec
from tracking.metrics.points import make_points

WRITERS = 8
BATCHES = 240  # so many that the worker rewrites the first of them while the last ones come
STEPS = 100
KEYS = [f"m{number}" for number in range(10)]
POINTS = STEPS * len(KEYS)  # a batch
ROUNDS = 3
TARGET = 1_000_000  # points/s
CONTENT_TYPE = "application/x-msgpack"


@dataclass(frozen=True)
class Cost:
    """What one run of requests took: processor time is in milliseconds a request."""

    driven: Driven
    web_ms: float
    database_ms: float
    worker_ms: float

    @property
    def total_ms(self) -> float:
        return self.web_ms + self.database_ms + self.worker_ms

    def cells(self) -> list[str]:
        parts = (self.web_ms, self.database_ms, self.worker_ms)
        return [
            shown(self.driven.per_second),
            *(f"{part:.2f}" for part in parts),
            f"{self.driven.quantile_ms(0.5):.1f}",
        ]


def measure(folder: Path) -> list[Row | Sheet]:
    rows: list[Row | Sheet] = []
    lines = []
    with null_site(folder) as url, places(folder, more=[2]) as found:
        for place in found:
            costs = [stored(place, STEPS, BATCHES, WRITERS) for _ in range(ROUNDS)]
            best = max(costs, key=lambda cost: cost.driven.per_second)
            empty = drive(url, requests_of("/", [bodies_of(uuid4().hex, STEPS, BATCHES) for _ in range(WRITERS)], ""))
            bare = bare_inserts(place, STEPS, WRITERS * BATCHES)
            rate = statistics.median(cost.driven.per_second for cost in costs) * POINTS
            detail = f"target {TARGET:,} points/s {'met' if rate >= TARGET else 'MISSED'}; best {shown(best.driven.per_second * POINTS)}"
            rows += [
                Row(f"8 writers × 1,000 points, {place.name}", "points/s", rate, bare * POINTS, "bare inserts", detail=detail),
                Row(
                    f"8 writers × 1,000 points, {place.name}", "points/s", rate, empty.per_second * POINTS,
                    "a Django view that stores nothing", detail=f"median of {ROUNDS}, {WRITERS * BATCHES} batches each",
                ),
            ]  # fmt: skip
            lines += [[place.name, *cost.cells()] for cost in costs]
    return [*rows, cost_sheet("ingest", lines)]


def cost_sheet(name: str, lines: Sequence[Sequence[str]]) -> Sheet:
    return Sheet(
        name=name,
        title="Processor time of a request, ms",
        columns=["round", "requests/s", "web", "database", "worker", "p50 answer, ms"],
        rows=lines,
        note="SQLite works inside the web process. Two cores give 2,000 ms a second to all of them and to the client.",
    )


def stored(place: Place, steps: int, batches: int, writers: int) -> Cost:
    """New runs, filled and read back. Raises RuntimeError where they do not hold what was sent."""
    wire = Wire(place.server.url, place.server.token)
    runs = {uuid4().hex: wire.start_run("bench") for _ in range(writers)}
    bodies = {writer: bodies_of(writer, steps, batches) for writer in runs}
    streams = [
        requests_of(f"/api/v1/runs/{run}/batches", [bodies[writer]], place.server.token)[0]
        for writer, run in runs.items()
    ]
    before = (place.web_s(), place.database_s(), place.worker_s())
    driven = drive(place.server.url, streams)
    after = (place.web_s(), place.database_s(), place.worker_s())
    compare(wire, runs, bodies)
    web, database, worker = (
        1_000 * (late - early) / driven.requests for late, early in zip(after, before, strict=True)
    )
    return Cost(driven, web, database, worker)


def bodies_of(writer: str, steps: int, batches: int) -> list[bytes]:
    noise = random.Random(writer)
    found = []
    for sequence in range(1, batches + 1):
        span = range((sequence - 1) * steps, sequence * steps)
        times = [1_700_000_000_000_000 + step * 1_000 for step in span]
        found.append(pack(writer, sequence, {key: (span, times, [noise.random() for _ in span]) for key in KEYS}))
    return found


def requests_of(path: str, bodies: Sequence[Sequence[bytes]], token: str) -> list[list[bytes]]:
    headers = {"Authorization": f"Bearer {token}"}
    return [[post(path, body, CONTENT_TYPE, headers) for body in stream] for stream in bodies]


def compare(wire: Wire, runs: Mapping[str, str], bodies: Mapping[str, Sequence[bytes]]) -> None:
    """Every value back as it went in; otherwise the figure is worth nothing."""
    for writer, run in runs.items():
        sent = [msgspec.msgpack.decode(body)["metrics"] for body in bodies[writer]]
        asked = "&".join(f"key={key}" for key in KEYS)
        found = msgspec.msgpack.decode(wire.send("GET", f"runs/{run}/series/raw?{asked}"))
        for at, key in enumerate(KEYS):
            for column in ("steps", "times", "values"):
                if found[key][column] != b"".join(metrics[at][column] for metrics in sent):
                    raise RuntimeError(f"run {run} does not hold the {column} of {key} that were sent to it")


def bare_inserts(place: Place, steps: int, count: int) -> float:
    """Packed rows a second, by one connection, each committed."""
    chance = random.Random(1)
    points = make_points(range(steps), range(steps), [chance.random() for _ in range(steps)])
    payload = codec.pack([(key, points) for key in KEYS])
    with place.connection() as database:
        kind = "BYTEA" if place.mark == "%s" else "BLOB"
        database.execute(f"CREATE TABLE bare_{steps} (payload {kind})")
        insert = f"INSERT INTO bare_{steps} (payload) VALUES ({place.mark})"
        begun = time.perf_counter()
        for _ in range(count):
            database.execute(insert, [payload])
        took = time.perf_counter() - begun
        database.execute(f"DROP TABLE bare_{steps}")
    return count / took
