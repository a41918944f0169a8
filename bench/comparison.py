"""Ours and the others' figures of one scenario, as one table: medians, spread, how many, and how ours relate."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.beside import NAMES, Beside, Side
from bench.measures import MEASURES, Measure
from bench.sheet import Sheet
from bench.table import Row, shown

COLUMNS = ("measured", "tool", "median", "spread", "n", "load", "Lineal is", "what else")
ON_DATABASE = re.compile(r"(?:, (?P<name>SQLite|PostgreSQL)(?: [\d.]+)?)?$")
ENOUGH = 20  # values, for a 95th percentile to mean something
HOW = (
    "A spread is the 95th and 99th percentile of single calls, or the least and the most of a few rounds. Load is the machine's in the"
    " minute before a tool's turn: where it differs much, so may the figures, for that alone."
)
BETTER = {"MB": ("as small", "as large")}  # units of which there is less, not faster


@dataclass(frozen=True)
class Ours:
    """A row of ours that stands for a measure; `database` is empty where the row's name tells none."""

    row: Row
    database: str


def comparison(
    name: str,
    compared: Mapping[str, str],
    rows: Sequence[Row],
    beside: Beside,
    measures: Sequence[str],
    *,
    load: float = 0.0,
) -> Sheet:
    """`compared` gives the measure that a row of ours is compared under, by a pattern of the row's name without its database;
    `load` was the machine's before our turn.
    """
    ours = _ours(compared, rows)
    lines: list[list[str]] = []
    for measure in measures:
        sides = [side for side in beside.sides if side.measure == measure]
        for each in ours.get(measure, []):
            lines += [_our_line(MEASURES[measure], each, load), _limit_line(MEASURES[measure], each)]
        lines += [
            _line(MEASURES[measure], side, _counterpart(MEASURES[measure], ours.get(measure, []), side))
            for side in sides
        ]
        if sides and measure not in ours:
            beside.missing.append(f"Lineal has no row for {MEASURES[measure].what!r} in this run.")
    return Sheet(name, "Beside other tools, in the same run", COLUMNS, lines, _note(beside))


def _ours(compared: Mapping[str, str], rows: Sequence[Row]) -> dict[str, list[Ours]]:
    found: dict[str, list[Ours]] = {}
    for row in rows:
        database = ON_DATABASE.search(row.scenario)
        plain = ON_DATABASE.sub("", row.scenario)
        for pattern, measure in compared.items():
            if re.fullmatch(pattern, plain):
                found.setdefault(measure, []).append(Ours(row, (database and database["name"]) or ""))
    return found


def _counterpart(measure: Measure, ours: Sequence[Ours], side: Side) -> Row | None:
    """Our row on the same database. A tool with files of its own stands beside SQLite, and so does a row of ours that tells none."""
    wanted = NAMES.get(side.database, "SQLite")
    same = [each.row for each in ours if (each.database or "SQLite") == wanted]
    return next(iter(same or [each.row for each in ours if measure.any_database]), None)


def _our_line(measure: Measure, ours: Ours, load: float) -> list[str]:
    row = ours.row
    tool = ", ".join(filter(None, ("**Lineal**", ours.database)))
    return [
        measure.what,
        tool,
        f"{shown(row.ours)} {row.unit}",
        row.spread,
        f"{row.n:,}" if row.n else "",
        f"{load:.1f}",
        "",
        row.detail,
    ]


def _limit_line(measure: Measure, ours: Ours) -> list[str]:
    row = ours.row
    tool = ", ".join(filter(None, ("*the limit*", ours.database)))
    figure = f"{shown(row.limit)} {row.unit}"
    return [measure.what, tool, figure, "", "", "", relation(measure, row.ours, row.limit), row.limit_is]


def _line(measure: Measure, side: Side, ours: Row | None) -> list[str]:
    median = statistics.median(side.values)
    tool = ", ".join(filter(None, (side.tool, NAMES.get(side.database))))
    return [
        measure.what,
        tool,
        f"{shown(median)} {measure.unit}",
        spread(side.values),
        f"{len(side.values):,}",
        f"{side.load:.1f}",
        relation(measure, ours.ours, median, side.size) if ours else "",
        "; ".join(filter(None, (_size(measure, side), side.note, _lost(side)))),
    ]


def spread(values: Sequence[float]) -> str:
    """The 95th and 99th percentile of many values, the least and the most of few."""
    if len(values) >= ENOUGH:
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        return f"p95 {shown(cuts[94])}, p99 {shown(cuts[98])}"
    return f"{shown(min(values))} to {shown(max(values))}" if len(values) > 1 else ""


def relation(measure: Measure, ours: float, theirs: float, size: int = 0) -> str:
    """How many times better ours is; where it is worse, the words turn round. Raises ValueError where a figure is not positive."""
    if min(ours, theirs) <= 0:
        raise ValueError(f"{measure.what}: {ours:g} and {theirs:g} cannot be compared")
    if measure.per_item and size:
        theirs *= measure.full / size
    times = ours / theirs if measure.more_is_better else theirs / ours
    better, worse = BETTER.get(measure.unit, ("as fast", "as slow"))
    return f"{shown(times)}× {better}" if times >= 1 else f"{shown(1 / times)}× {worse}"


def _size(measure: Measure, side: Side) -> str:
    if not side.size or not measure.counts:
        return ""
    if side.size == measure.full or not measure.full:
        return f"{side.size:,} {measure.counts}"
    compared = ", compared by what one costs" if measure.per_item else ""
    return f"at {side.size:,} {measure.counts} only{compared}"


def _lost(side: Side) -> str:
    if not side.sent:
        return ""
    lost = side.sent - side.found
    return f"**{lost:,} of {side.sent:,} points lost**" if lost else f"all {side.sent:,} points came back"


def _note(beside: Beside) -> str:
    versions: dict[str, str] = {}
    for side in beside.sides:
        versions.setdefault(side.tool, ", ".join(f"{name} {number}" for name, number in side.versions.items()))
    told = "; ".join(f"{tool} with {found}" for tool, found in versions.items() if found)
    parts = [
        HOW,
        f"{told}." if told else "",
        *beside.missing,
    ]
    return " ".join(filter(None, parts))
