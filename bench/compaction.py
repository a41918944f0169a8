"""Bytes that a stored point takes once the worker has rewritten its batches as chunks, with its indexes, as the database counts them.

Ten metrics of fifty thousand steps, logged at uneven times as training does: noisy losses, which no codec can do much about,
beside those that repeat. The limit is a chunk's codec alone: delta, byte shuffle and zstd over all points of a series at once. A
reader asks for a whole history until the batches are gone, and has to see every point each time; where the worker is quicker than that it
reads once, and only `tests/tracking/test_write_batch_races.py` reads in the middle. The sheet holds codecs beside ours.
"""

import lzma
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np
import zstandard

from bench.places import Place, places
from bench.sheet import Sheet
from bench.table import Row
from bench.wire import Wire, pack
from tracking.metrics import codec
from tracking.metrics.points import Points

STEPS = 50_000
BATCH = 1_000
KEYS = [f"loss{number}" for number in range(8)] + ["learning_rate", "epoch"]
TARGET = 10.0  # bytes a point
LIMIT_S = 120.0


def measure(folder: Path) -> list[Row | Sheet]:
    series = _series()
    alone = sum(len(codec.encode(points)) for points in series.values()) / (STEPS * len(KEYS))
    rows: list[Row | Sheet] = []
    with places(folder) as found:
        for place in found:
            size, waiting, reads = _at_rest(place, series)
            rows.append(
                Row(
                    f"stored, {place.name}", "bytes/point", size, alone, "the codec alone", more_is_better=False,
                    detail=f"target {TARGET:.0f} {'met' if size <= TARGET else 'MISSED'}; {waiting:.1f} before; {reads} reads meanwhile",
                )
            )  # fmt: skip
    return [*rows, _codecs(series["loss0"])]


def _series() -> dict[str, Points]:
    """Logged at about 100 steps a second, at the microsecond that the clock showed then."""
    noise = np.random.default_rng(7)
    steps = np.arange(STEPS, dtype=np.int64)
    times = 1_700_000_000_000_000 + np.cumsum(noise.normal(10_000, 300, STEPS)).astype(np.int64)
    falling = np.exp(-steps / STEPS * 3)
    values = {key: falling + noise.normal(0, 0.05, STEPS) for key in KEYS[:8]}
    values |= {"learning_rate": 1e-3 * 0.5 ** (steps // 5_000), "epoch": (steps // 500).astype(np.float64)}
    return {key: Points(steps, times, column) for key, column in values.items()}


def _at_rest(place: Place, series: dict[str, Points]) -> tuple[float, float, int]:
    """Bytes a point after and before the rewriting, and how often a reader read meanwhile."""
    wire, writer, expected = Wire(place.server.url, place.server.token), uuid4().hex, series["loss0"].values.tobytes()
    empty = _size(place)
    run = wire.start_run("bench")
    for sequence, first in enumerate(range(0, STEPS, BATCH), 1):
        part = slice(first, first + BATCH)
        columns = {
            k: (p.steps[part].tolist(), p.times[part].tolist(), p.values[part].tolist()) for k, p in series.items()
        }
        wire.batch(run, pack(writer, sequence, columns))
    waiting = _size(place) - empty
    wire.json("POST", f"runs/{run}/finish", {})
    reads, end = 0, time.monotonic() + LIMIT_S
    while True:
        done = _waiting_batches(place) == 0
        got = msgspec.msgpack.decode(wire.send("GET", f"runs/{run}/series/raw?key=loss0"))["loss0"]["values"]
        if got != expected:
            raise RuntimeError(f"a reader saw {len(got) // 8} of {STEPS} points, or others")
        reads += 1
        if done:
            break
        if time.monotonic() > end:
            raise RuntimeError("the worker has not rewritten the batches in time")
    points = STEPS * len(KEYS)
    return (_size(place) - empty) / points, waiting / points, reads


def _waiting_batches(place: Place) -> int:
    with place.connection() as database:
        return int(database.execute("SELECT count(*) FROM tracking_batch").fetchone()[0])


def _size(place: Place) -> float:
    """Bytes of the tables that hold points, with their indexes, after what a database does to free space by itself."""
    tables = ("tracking_batch", "tracking_chunk", "tracking_series")
    with place.connection() as database:
        if place.mark == "%s":
            sizes = []
            for table in tables:
                database.execute(f"VACUUM {table}")
                sizes.append(database.execute(f"SELECT pg_total_relation_size('{table}')").fetchone()[0])
            return float(sum(sizes))
        pages = (
            database.execute("PRAGMA page_count").fetchone()[0]
            - database.execute("PRAGMA freelist_count").fetchone()[0]
        )
        return float(pages * database.execute("PRAGMA page_size").fetchone()[0])


def _codecs(points: Points) -> Sheet:
    """Bytes and time of a chunk of 4,000 points of the noisiest series, by codec."""
    part = points[:4_000]
    raw = b"".join(column.tobytes() for column in (part.steps, part.times, part.values))
    shuffled = codec.planes(part)
    candidates: list[tuple[str, Callable[[], bytes]]] = [
        ("as stored: delta, shuffle, zstd 3", lambda: codec.encode(part)),
        ("delta, shuffle, zstd 1", lambda: zstandard.ZstdCompressor(level=1).compress(shuffled)),
        ("delta, shuffle, zstd 9", lambda: zstandard.ZstdCompressor(level=9).compress(shuffled)),
        ("delta, shuffle, zstd 19", lambda: zstandard.ZstdCompressor(level=19).compress(shuffled)),
        ("delta, shuffle, lzma", lambda: lzma.compress(shuffled)),
        ("zstd 3 alone", lambda: zstandard.ZstdCompressor(level=3).compress(raw)),
        ("nothing", lambda: raw),
    ]
    rows = []
    for name, encode in candidates:
        taken = []
        for _ in range(9):
            begun = time.perf_counter()
            encoded = encode()
            taken.append(time.perf_counter() - begun)
        rows.append([name, f"{len(encoded) / len(part):.2f}", f"{sorted(taken)[4] * 1e6 * 1_000 / len(part):.0f}"])
    return Sheet(
        name="compaction",
        title="Codecs of a chunk of a noisy loss",
        columns=["codec", "bytes/point", "µs to encode 1,000 points"],
        rows=rows,
        note="The values are noise in 50 of their 64 bits, and the times in some 10: that is 7.5 bytes that nothing takes away.",
    )
