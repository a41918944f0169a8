"""What profiles cost, beside other tools on the same tables, in the same run, on the same core."""

from pathlib import Path
from typing import Any

import lineal

from bench.cores import one_core
from bench.peers import EVIDENTLY, WHYLOGS, Unavailable
from bench.profile import best, mixed_table
from bench.sheet import Sheet
from monitoring.engine import Limits, evaluate
from monitoring.profiles import merge, read_profile

HERE = Path(__file__).parent
PROFILED = 200_000
MIXED = [*(f"float{at}" for at in range(6)), "int5", "int100", "int1000000", "text8", "text50", "id"]
COMPARED = 100_000, 20


def measure(folder: Path) -> list[Sheet]:
    with one_core():
        table = mixed_table()
        profiles, trouble = _beside_whylogs(table, folder)
        comparisons, more = _beside_evidently(table, folder)
    return [
        Sheet(
            "speed",
            "Speed, on one core",
            ("", "Lineal", "the other", "ratio"),
            [*profiles, *comparisons],
            "Tables of floats, whole numbers and texts, one of these all distinct. The best of several runs; reading files is not counted."
            f" Other work on the machine moves such figures, the ratio too.{trouble}{more}",
        )
    ]


def _beside_whylogs(table: Any, folder: Path) -> tuple[list[list[str]], str]:
    rows, columns = PROFILED, len(MIXED)
    part = table.select(MIXED).slice(0, rows)
    part.to_pandas().to_csv(folder / "table.csv", index=False)
    reference = lineal.profile(part).reference()
    before = best(lambda: lineal.profile(part, reference))
    size = len(lineal.profile(part, reference).to_bytes())
    try:
        found = WHYLOGS.run(HERE / "whylogs_speed.py", str(folder))
    except Unavailable as exc:
        return [[f"profile of {rows:,} × {columns}", _rate(rows * columns, before), "not measured", ""]], f" {exc}."
    seconds = min(before, best(lambda: lineal.profile(part, reference)))  # on both sides of the peer's turn
    return [
        [
            f"profile of {rows:,} × {columns}, beside {WHYLOGS.label}",
            _rate(rows * columns, seconds),
            _rate(rows * columns, found["seconds"]),
            f"{found['seconds'] / seconds:.1f} times as fast",
        ],
        [
            "bytes of that profile, a column",
            f"{size / columns / 1e3:.1f} kB",
            f"{found['bytes'] / columns / 1e3:.1f} kB",
            f"{found['bytes'] / size:.1f} times as small",
        ],
    ], ""


def _beside_evidently(table: Any, folder: Path) -> tuple[list[list[str]], str]:
    import pyarrow.parquet as pq

    rows, columns = COMPARED
    sides = table.slice(0, rows), table.slice(rows, rows)
    for side, name in zip(sides, ("reference", "current"), strict=True):
        pq.write_table(side, folder / f"{name}.parquet")
    pinned = lineal.profile(sides[0]).reference()
    before, now = (read_profile(lineal.profile(side, pinned).to_bytes()) for side in sides)
    comparing = best(lambda: evaluate(baseline=before, window=now, limits=Limits()))
    profiling = best(lambda: lineal.profile(sides[1], pinned))
    merging = best(lambda: merge(before, now))
    found = [[f"merge of two profiles of {columns} columns", f"{merging * 1e3:.1f} ms", "", ""]]
    label = f"drift of {rows:,} × {columns}"
    try:
        theirs = EVIDENTLY.run(HERE / "evidently_speed.py", str(folder))["seconds"]
    except Unavailable as exc:
        return [[f"{label}, from profiles", f"{comparing * 1e3:.0f} ms", "not measured", ""], *found], f" {exc}."
    beside = f", beside {EVIDENTLY.label}'s preset on the rows"
    return [
        [f"{label}, from profiles{beside}", *_times(comparing, theirs)],
        [f"{label}, with profiling the current rows{beside}", *_times(comparing + profiling, theirs)],
        *found,
    ], ""


def _times(ours: float, theirs: float) -> list[str]:
    return [f"{ours * 1e3:,.0f} ms", f"{theirs * 1e3:,.0f} ms", f"{theirs / ours:,.0f} times as fast"]


def _rate(cells: int, seconds: float) -> str:
    return f"{cells / seconds / 1e6:.1f}M cells/s"
