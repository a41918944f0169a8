"""The columns of a dataset version as a table shows them: type, what is missing, range, and a small drawing of the distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from monitoring.profiles import Profile
from monitoring.profiles.parts import ColumnProfile
from tracking.models import DatasetVersion
from web.drawings import short

MOST_COLUMNS = 300
BINS, MOST_VALUES = 24, 12
WIDTH, HEIGHT = 132.0, 28.0  # px of one drawing
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = frozenset({"dur", "time"})


@dataclass(frozen=True, slots=True)
class MiniBar:
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """`missing` is a share, 0 to 1, None where nothing was counted. `bars` are empty where no distribution is known."""

    name: str
    type: str
    missing: float | None
    least: str
    greatest: str
    mean: str
    distinct: int | None
    bars: Sequence[MiniBar]
    about: str

    @property
    def missing_words(self) -> str:
        if self.missing is None:
            return "–"
        return "none" if self.missing == 0 else (f"{self.missing:.1%}" if self.missing >= 0.001 else "< 0.1%")


@dataclass(frozen=True, slots=True)
class Columns:
    rows: Sequence[ColumnRow]
    more: int
    is_drawn: bool
    is_counted: bool


def columns_of(version: DatasetVersion, profile: Profile | None) -> Columns:
    """From the schema, the few numbers that every table comes with, and the profile where a run kept one."""
    names = _types(version.schema) or (
        {name: column.type for name, column in profile.columns.items()} if profile else {}
    )
    counted = _counted(version.profile)
    drawn = profile.columns if profile is not None else {}
    rows = [
        _row(name, kind, counted.get(name, {}), drawn.get(name), version.rows)
        for name, kind in list(names.items())[:MOST_COLUMNS]
    ]
    return Columns(rows, max(0, len(names) - MOST_COLUMNS), bool(drawn), bool(counted or drawn))


def _types(schema: Any) -> dict[str, str]:
    """Clients of other makes may send any JSON; what is no list of columns is left out."""
    listed = schema if isinstance(schema, list) else []
    return {str(each.get("name", "")): str(each.get("type", "")) for each in listed if isinstance(each, Mapping)}


def _counted(profile: Any) -> dict[str, Mapping[str, Any]]:
    columns = profile.get("columns") if isinstance(profile, Mapping) else None
    if not isinstance(columns, Mapping):
        return {}
    return {name: each for name, each in columns.items() if isinstance(each, Mapping)}


def _row(name: str, kind: str, counted: Mapping[str, Any], drawn: ColumnProfile | None, rows: int | None) -> ColumnRow:
    if drawn is not None:
        bars, about = _bars(drawn)
        return ColumnRow(
            name=name, type=kind or drawn.type, missing=drawn.missing / drawn.n if drawn.n else None,
            least=_said(drawn.type, drawn.min), greatest=_said(drawn.type, drawn.max), mean=_said(drawn.type, drawn.mean),
            distinct=drawn.distinct, bars=bars, about=about,
        )  # fmt: skip
    nulls = counted.get("nulls")
    return ColumnRow(
        name=name, type=kind, missing=nulls / rows if isinstance(nulls, int) and rows else None,
        least=_said(kind, counted.get("min")), greatest=_said(kind, counted.get("max")), mean=_said(kind, counted.get("mean")),
        distinct=None, bars=(), about="",
    )  # fmt: skip


def _said(kind: str, value: Any) -> str:
    """A number in the words of its column's type: times as dates, booleans as shares."""
    if isinstance(value, str):
        return value[:24]
    if not isinstance(value, int | float):
        return "–"
    if kind in ("date", "ts", "ts_utc"):
        return _moment(kind, value)
    if kind in _NS:
        return f"{value / 1e9:.3g} s"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _moment(kind: str, value: float) -> str:
    """Days for dates, else nanoseconds, since 1970; as a number where the calendar has no such day."""
    try:
        if kind == "date":
            return (_EPOCH + timedelta(days=value)).strftime("%Y-%m-%d")
        return (_EPOCH + timedelta(microseconds=value / 1000)).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return short(value)


def _bars(column: ColumnProfile) -> tuple[list[MiniBar], str]:
    if column.family == "text" or (column.kll is None and column.counted is not None):
        return _by_value(column)
    if column.kll is not None and column.kll.n:
        return _by_bin(column)
    return [], ""


def _by_value(column: ColumnProfile) -> tuple[list[MiniBar], str]:
    if column.counted is None or not column.present:
        return [], ""
    items = column.counted.items[:MOST_VALUES]
    shares = [count / column.present for _, count in items]
    labels = [_value(column, value) for value, _ in items]
    if 1 - sum(shares) > 1e-9:
        labels, shares = [*labels, "others"], [*shares, 1 - sum(shares)]
    words = "most frequent values" if column.values is not None else "most frequent values, by their hashes"
    return _drawn(labels, shares), words


def _value(column: ColumnProfile, value: float | str) -> str:
    if isinstance(value, str):
        return value
    return ("true" if value else "false") if column.family == "bool" else _said(column.type, value)


def _by_bin(column: ColumnProfile) -> tuple[list[MiniBar], str]:
    """Equal widths between least and greatest, from the sketch of quantiles: each share is right to about 1 %."""
    assert column.kll is not None  # noqa: S101 - the caller looked
    values, weights = column.kll.weighted()
    low, high = float(values.min()), float(values.max())
    if not high > low or not np.isfinite(high - low):
        return _drawn([_said(column.type, low)], [1.0]), "one value"
    counts, edges = np.histogram(values, bins=BINS, range=(low, high), weights=weights)
    labels = [f"{_said(column.type, float(a))} to {_said(column.type, float(b))}" for a, b in pairwise(edges)]
    return _drawn(labels, (counts / counts.sum()).tolist()), "from a sketch of the values"


def _drawn(labels: Sequence[str], shares: Sequence[float]) -> list[MiniBar]:
    step = WIDTH / max(len(shares), 6)
    top = max(shares, default=0) or 1.0
    return [
        MiniBar(
            x=round(at * step, 1),
            y=round(HEIGHT - max(1.0, share / top * HEIGHT), 1) if share else HEIGHT,
            width=round(max(1.0, step - 1), 1),
            height=round(max(1.0, share / top * HEIGHT), 1) if share else 0,
            title=f"{label}: {share:.1%}",
        )
        for at, (label, share) in enumerate(zip(labels, shares, strict=True))
    ]
