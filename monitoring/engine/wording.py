"""Plain sentences: how numbers, shares, cells and moves are said."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.kll import Floats
from monitoring.profiles.parts import ColumnProfile, Value

_LONGEST_NAME = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1_000_000_000


def share(part: float) -> str:
    """0.103 as "10 %", and what is less than a hundredth with the digits that it needs."""
    percent = 100 * part
    if percent == 0 or percent >= 10:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else f"{percent:.2g} %"


def number(value: float) -> str:
    """Four digits, and thousands apart from each other where they are few."""
    if math.isfinite(value) and value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def point(value: float, kind: str) -> str:
    """A value of a column of type `kind`: times as dates, as far as they are."""
    try:
        if kind == "date":
            return str(date(1970, 1, 1) + timedelta(days=value))
        if kind in ("ts", "ts_utc"):
            return (_EPOCH + timedelta(seconds=value / _NANOSECONDS)).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return number(value)
    return number(value)


def value_name(value: Value, column: ColumnProfile) -> str:
    """A category as it is shown: quoted, in one line, and not too long."""
    if isinstance(value, str):
        text = "".join(char if char.isprintable() else "�" for char in value)
        return f"“{text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + '…'}”"
    if column.family == "bool":
        return "true" if value else "false"
    return point(value, column.type)


def bin_names(edges: Floats, kind: str) -> tuple[str, ...]:
    """What the cells between inner edges hold; a cell holds its upper edge."""
    points = [point(edge, kind) for edge in edges.tolist()]
    if not points:
        return ("all values",)
    between = [f"above {low} up to {high}" for low, high in pairwise(points)]
    return (f"up to {points[0]}", *between, f"above {points[-1]}")


def largest_move(reference: NDArray[np.int64], current: NDArray[np.int64], names: tuple[str, ...]) -> str:
    """The cell whose share changed most: "up to 22 were 10 %, now 34 %"."""
    before, now = reference / reference.sum(), current / current.sum()
    at = int(np.argmax(np.abs(now - before)))
    return f"{names[at]}: was {share(before[at])}, now {share(now[at])}"
