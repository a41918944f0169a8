"""A few numbers about each column, gathered in the pass that hashes it: nulls, and for numbers and times the least, greatest and mean."""

import math
from dataclasses import dataclass
from typing import Any

from lineal.digest._columns import Block, Kind

NUMERIC = frozenset({"i64", "f64", "bool"})
ORDERED = frozenset({"date", "time", "dur", "ts", "ts_utc"})


@dataclass
class Profile:
    """Mergeable by block; its summary holds no row of the data."""

    nulls: int = 0
    count: int = 0
    total: float = 0.0
    least: float | None = None
    greatest: float | None = None
    numeric: bool = False

    def add(self, block: Block, kind: Kind) -> None:
        """Count one block in. Infinities count as values; NaN is null, as in the digest."""
        valid_rows = block.rows if block.valid is None else int(block.valid.sum())
        self.nulls += block.rows - (0 if kind.tag == "null" else valid_rows)
        if not valid_rows or kind.tag not in NUMERIC | ORDERED:
            return
        values = block.values if block.valid is None else block.values[block.valid]
        if str(kind.arrow) == "uint64":
            values = values.view("u8")
        elif kind.tag == "bool":
            values = values.view("u1")
        self._widen(values.min().item(), values.max().item())
        if kind.tag in NUMERIC:
            import numpy as np

            self.numeric = True
            self.count += valid_rows
            with np.errstate(invalid="ignore"):
                self.total += float(values.sum(dtype="f8"))

    def _widen(self, least: float, greatest: float) -> None:
        self.least = least if self.least is None else min(self.least, least)
        self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)

    def summary(self) -> dict[str, Any]:
        """`{nulls, min?, max?, mean?}`; times are nanoseconds or days, as in the digest; infinities are spelt as text, as JSON needs."""
        found: dict[str, Any] = {"nulls": self.nulls}
        if self.least is not None:
            found |= {"min": _json_number(self.least), "max": _json_number(self.greatest)}
        if self.numeric and self.count:
            found["mean"] = _json_number(self.total / self.count)
        return found


def _json_number(value: float | None) -> float | str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value
