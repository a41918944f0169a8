"""What a stored point costs as the store grows: one million points after the other, up to ten, in runs of a hundred thousand, on both
databases. The limit is the first million of the same store. After each million a whole series of the first run is read back.
"""

import statistics
import time
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.ingest import KEYS, bodies_of, compare, requests_of
from bench.places import Place, places
from bench.sheet import Sheet
from bench.sockets import drive
from bench.table import Row
from bench.wire import Wire

MILLIONS = 10
WRITERS, BATCHES, STEPS = 10, 10, 1_000  # a million points: ten runs of ten metrics of ten thousand steps
READS = 5


def measure(folder: Path) -> list[Row | Sheet]:
    rows: list[Row | Sheet] = []
    lines = []
    with places(folder) as found:
        for place in found:
            taken = _grown(place)
            lines += [
                [place.name, f"{at} M", *(f"{figure:.2f}" for figure in each)] for at, each in enumerate(taken, 1)
            ]
            first, last = taken[0], statistics.fmean(each[0] for each in taken[-3:])
            detail = (
                f"processor time of web and database a million points; read back {first[2]:.0f} → {taken[-1][2]:.0f} ms"
            )
            rows.append(
                Row(f"the last of {MILLIONS}M points, {place.name}", "s/million", last, first[0], "the first million",
                    more_is_better=False, detail=detail)
            )  # fmt: skip
    return [*rows, Sheet(
        name="growth",
        title="Cost of the next million points",
        columns=["database", "points", "processor s, web and database", "s", "ms to read 100,000 points back", "MB in all"],
        rows=lines,
        note="Each million are ten new runs, whose batches the worker rewrites meanwhile; its time is not counted.",
    )]  # fmt: skip


def _grown(place: Place) -> list[tuple[float, float, float, float]]:
    """For each million: processor seconds, seconds, milliseconds to read an old series, megabytes."""
    wire, found = Wire(place.server.url, place.server.token), []
    oldest = ""
    for _ in range(MILLIONS):
        runs = {uuid4().hex: wire.start_run("bench") for _ in range(WRITERS)}
        oldest = oldest or next(iter(runs.values()))
        bodies = {writer: bodies_of(writer, STEPS, BATCHES) for writer in runs}
        streams = [
            requests_of(f"/api/v1/runs/{run}/batches", [bodies[writer]], place.server.token)[0]
            for writer, run in runs.items()
        ]
        before = place.web_s() + place.database_s()
        driven = drive(place.server.url, streams)
        cost = place.web_s() + place.database_s() - before
        compare(wire, runs, bodies)
        found.append((cost, driven.took_s, _read(wire, oldest), _megabytes(place)))
    return found


def _read(wire: Wire, run: str) -> float:
    taken = []
    for _ in range(READS):
        begun = time.perf_counter()
        got = msgspec.msgpack.decode(
            wire.send("GET", f"runs/{run}/series/raw?{'&'.join(f'key={key}' for key in KEYS)}")
        )
        taken.append((time.perf_counter() - begun) * 1_000)
        if len(got[KEYS[0]]["values"]) != 8 * STEPS * BATCHES:
            raise RuntimeError("points are missing")
    return statistics.median(taken)


def _megabytes(place: Place) -> float:
    with place.connection() as database:
        if place.mark == "%s":
            size = database.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        else:
            size = database.execute("PRAGMA page_count").fetchone()[0] * 4_096
    return float(size) / 1e6
