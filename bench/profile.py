"""Cells profiled a second on one core: a mixed table of a million rows, beside sorting its numbers and hashing its texts."""

import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bench.cores import one_core
from bench.table import Row

ROWS = 1_000_000
COLUMNS = 20
REPEATS = 3


def measure(folder: Path) -> list[Row]:
    import lineal

    with one_core():
        table = mixed_table()
        reference = lineal.profile(table).reference()
        over_reference = best(lambda: lineal.profile(table, reference))
        own = best(lambda: lineal.profile(table))
        least = best(lambda: _sort_and_hash(table))
        merging = _merging(table, reference)
    cells = ROWS * COLUMNS
    limit = "sorting each number column and hashing each distinct text once"
    return [
        Row("profile over a reference", "cells/s", cells / over_reference, cells / least, limit),
        Row("profile that pins its own cells", "cells/s", cells / own, cells / least, limit),
        merging,
    ]


def mixed_table() -> Any:
    """12 columns of floats, 4 of integers and 4 of texts, one of them all distinct."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"float{at}": rng.normal(size=ROWS) for at in range(12)}
    columns |= {f"int{top}": rng.integers(0, top, ROWS) for top in (5, 10, 100, 1_000_000)}
    for count in (8, 50, 5_000):
        names = np.array([f"category {at}" for at in range(count)])
        columns[f"text{count}"] = pa.array(names[rng.integers(0, count, ROWS)])
    columns["id"] = pa.array([f"customer-{at}" for at in range(ROWS)])
    return pa.table(columns)


def _sort_and_hash(table: Any) -> None:
    import numpy as np
    import pyarrow as pa

    for column in table.columns:
        if pa.types.is_string(column.type):
            for text in column.unique().cast(pa.binary()).to_pylist():
                blake2b(text, digest_size=8).digest()
        else:
            np.sort(column.to_numpy().astype(np.float64))


def _merging(table: Any, reference: Any) -> Row:
    """Two profiles, beside reading one of them from its bytes."""
    import lineal

    one, two = (lineal.profile(table.slice(start, ROWS // 2), reference) for start in (0, ROWS // 2))
    if one.merge(two).rows != ROWS:
        raise RuntimeError("rows were lost in merging")
    data = one.to_bytes()
    merging = best(lambda: one.merge(two)) * 1_000
    reading = best(lambda: lineal.Profile.from_bytes(data)) * 1_000
    return Row("merge of two profiles", "ms", merging, reading, "reading one from its bytes", more_is_better=False)


def best(act: Callable[[], object]) -> float:
    """Seconds."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)
