"""Small charts as SVG geometry: sparklines, lines over time, and two distributions side by side. Numbers in, coordinates out.

Pages draw them without a script, so that they also stand in a printed report. Coordinates are of the drawing's own box.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 96.0, 20.0, 2.0
WIDTH, HEIGHT = 640.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 16.0, 24.0
MARKS = 4  # on the upright axis, about
DAYS, MOMENTS = 8, 5  # on the level one, at most
NAME_ROOM = 18.0  # between two limits that are each named at their line
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # between two marks, times a power of ten


@dataclass(frozen=True, slots=True)
class Spark:
    """`paths` are unbroken stretches as SVG path data; a gap is a window without a number. `last` is the newest point."""

    paths: Sequence[str]
    last: tuple[str, str] | None
    limit: str | None = None  # y of the line that matters, where it is in sight


def sparkline(values: Sequence[float | None], *, limit: float | None = None) -> Spark:
    """Oldest first. The scale begins at 0 or at the least value, and reaches the limit only if the values come near it."""
    known = [value for value in values if value is not None]
    if not known:
        return Spark([], None)
    low, high = min(0.0, *known), max(known)
    if limit is not None and high >= limit / 2:
        high = max(high, limit)
    scale = _Scale(_SPARK, len(values), low, high)
    last = scale.point(len(values) - 1, values[-1]) if values[-1] is not None else None
    shown = limit is not None and low <= limit <= high
    return Spark(scale.paths(values), last, _said(scale.y(limit)) if shown and limit is not None else None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on the upright axis: where, and what stands there. `tone` colours a limit."""

    y: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A moment on the level axis. A narrow screen leaves the `is_minor` ones out."""

    x: str
    text: str
    anchor: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """What lies beyond a limit."""

    y: str
    height: str
    tone: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One window's point. `title` is read out and shown on hover."""

    x: str
    y: str
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Lines:
    """One series over time with its limits, and a band around it where it is uncertain."""

    paths: Sequence[str]
    bands: Sequence[str]
    dots: Sequence[Dot]
    marks: Sequence[Mark]
    limits: Sequence[Mark]
    zones: Sequence[Zone]
    days: Sequence[Day]
    said: str  # what a reader who does not see it is told


@dataclass(frozen=True, slots=True)
class Point:
    """What one window says. `value` is None where it has no number; `low` and `high` bound it where that is known."""

    at: datetime
    value: float | None
    tone: str = "idle"
    low: float | None = None
    high: float | None = None


def lines(
    points: Sequence[Point],
    *,
    limits: Sequence[tuple[str, float, str]] = (),
    from_zero: bool = True,
    as_text: Callable[[float], str] | None = None,
) -> Lines | None:
    """Oldest first, evenly spaced by window; None where no point has a number.

    `limits` are name, value and tone, smallest first; beyond those that warn or are bad, the ground says so. `as_text` writes a value with
    its unit.
    """
    written = as_text or short
    values = [point.value for point in points]
    known = [number for point in points for number in (point.value, point.low, point.high) if number is not None]
    if not any(value is not None for value in values):
        return None
    known += [limit for _, limit, _ in limits]
    low, high = (min(0.0, *known) if from_zero else min(known)), max(known)
    marks = ticks(low, high)
    scale = _Scale(_PLOT, len(points), min(low, marks[0]), max(high, marks[-1]))
    return Lines(
        paths=scale.paths(values),
        bands=scale.bands([(point.low, point.high) for point in points]),
        dots=[
            Dot(*scale.point(at, point.value), tone=point.tone, title=f"{_day(point.at)} UTC: {written(point.value)}")
            for at, point in enumerate(points)
            if point.value is not None
        ],
        marks=[Mark(_said(scale.y(value)), written(value)) for value in marks],
        limits=_limits(scale, limits, written),
        zones=_zones(scale, limits),
        days=_days(scale, points),
        said=_in_words(points, written),
    )


def _limits(
    scale: "_Scale", limits: Sequence[tuple[str, float, str]], written: Callable[[float], str]
) -> Sequence[Mark]:
    """Names that would cover one another stand together at the upper of their lines."""
    found: list[Mark] = []
    for name, value, tone in limits:
        words = f"{name} {written(value)}"
        if found and abs(float(found[-1].y) - scale.y(value)) < NAME_ROOM:
            words = f"{found[-1].text}, {words}"
            found[-1] = Mark(found[-1].y, "", found[-1].tone)
        found.append(Mark(_said(scale.y(value)), words, tone))
    return found


def _zones(scale: "_Scale", limits: Sequence[tuple[str, float, str]]) -> Sequence[Zone]:
    """From each limit up to the next."""
    graded = [(value, tone) for _, value, tone in limits if tone in ("warn", "bad")]
    ends = [*(value for value, _ in graded), scale.high][1:]
    return [
        Zone(_said(scale.y(end)), _said(scale.y(value) - scale.y(end)), tone)
        for (value, tone), end in zip(graded, ends, strict=True)
        if end > value
    ]


def _days(scale: "_Scale", points: Sequence[Point]) -> Sequence[Day]:
    """The first window and others evenly after it; days where each begins at midnight."""
    last = len(points) - 1
    are_days = all(point.at.hour == point.at.minute == 0 for point in points)
    step = max(1, math.ceil(last / ((DAYS if are_days else MOMENTS) - 1)))
    form = "%b %-d" if are_days else "%b %-d %H:%M"
    return [
        Day(
            _said(scale.x(at)),
            points[at].at.strftime(form),
            "middle" if last == 0 or 0 < at < last else ("start" if at == 0 else "end"),
            is_minor=at % (3 * step) != 0,
        )
        for at in range(0, last + 1, step)
    ]


def _in_words(points: Sequence[Point], written: Callable[[float], str]) -> str:
    known = [(point.at, point.value) for point in points if point.value is not None]
    least, most = min(value for _, value in known), max(value for _, value in known)
    return f"{len(known)} windows, from {written(least)} to {written(most)}, the last {written(known[-1][1])}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin or category: two bars, what it is called, and the two shares of rows in words."""

    x: str
    width: str
    reference_y: str
    reference_height: str
    current_x: str
    current_y: str
    current_height: str
    label: str
    label_x: str
    is_minor: bool
    title: str
    name: str
    reference: str
    current: str
    difference: str


@dataclass(frozen=True, slots=True)
class Bars:
    bars: Sequence[Bar]
    marks: Sequence[Mark]


def bars(labels: Sequence[str], reference: Sequence[float], current: Sequence[float]) -> Bars | None:
    """Two distributions over the same bins, as shares of rows from 0 to 1; None where there is no bin."""
    if not labels:
        return None
    marks = ticks(0.0, max(*reference, *current, 1e-9))
    high = marks[-1]
    step = (WIDTH - LEFT - RIGHT) / len(labels)
    bar = step * 0.38
    base = HEIGHT - BOTTOM

    def height(share: float) -> float:
        return (base - TOP) * share / high

    return Bars(
        bars=[
            Bar(
                x=_said(LEFT + at * step + step * 0.1),
                width=_said(bar),
                reference_y=_said(base - height(reference[at])),
                reference_height=_said(height(reference[at])),
                current_x=_said(LEFT + at * step + step * 0.1 + bar),
                current_y=_said(base - height(current[at])),
                current_height=_said(height(current[at])),
                label=label if len(labels) <= 16 or at % 2 == 0 else "",
                label_x=_said(LEFT + (at + 0.5) * step),
                is_minor=at % math.ceil(len(labels) / 5) != 0,
                title=f"{label}: baseline {percent(reference[at])}, window {percent(current[at])}",
                name=label,
                reference=percent(reference[at]),
                current=percent(current[at]),
                difference=f"{100 * (current[at] - reference[at]):+.1f}",
            )
            for at, label in enumerate(labels)
        ],
        marks=[Mark(_said(base - height(value)), percent(value)) for value in marks],
    )


class _Box(NamedTuple):
    left: float
    right: float
    top: float
    bottom: float


_SPARK = _Box(SPARK_EDGE, SPARK_WIDTH - SPARK_EDGE, SPARK_EDGE, SPARK_HEIGHT - SPARK_EDGE)
_PLOT = _Box(LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM)


class _Scale:
    """From the number of a window and a value to coordinates, with the largest value on top."""

    def __init__(self, box: _Box, count: int, low: float, high: float) -> None:
        if high <= low:
            high = low + (abs(low) or 1.0)
        self.low, self.high, self._count = low, high, count
        self._left, self._right, self._top, self._bottom = box

    def x(self, at: int) -> float:
        if self._count == 1:
            return (self._left + self._right) / 2
        return self._left + (self._right - self._left) * at / (self._count - 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self._bottom - (self._bottom - self._top) * min(1.0, max(0.0, share))

    def point(self, at: int, value: float) -> tuple[str, str]:
        return _said(self.x(at)), _said(self.y(value))

    def paths(self, values: Sequence[float | None]) -> list[str]:
        return [
            "M" + " L".join(f"{_said(self.x(at))} {_said(self.y(value))}" for at, value in stretch)
            for stretch in _stretches(values)
            if len(stretch) > 1
        ]

    def bands(self, bounds: Sequence[tuple[float | None, float | None]]) -> list[str]:
        lows = _stretches([low if high is not None else None for low, high in bounds])
        found = []
        for stretch in lows:
            above = [(at, bounds[at][1]) for at, _ in reversed(stretch)]
            outline = [*stretch, *((at, high) for at, high in above if high is not None)]
            if len(stretch) > 1:
                found.append(
                    "M" + " L".join(f"{_said(self.x(at))} {_said(self.y(value))}" for at, value in outline) + " Z"
                )
        return found


def _stretches(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    found: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((at, value))
    return [stretch for stretch in found if stretch]


def ticks(low: float, high: float) -> list[float]:
    """Round values that hold `low` and `high` between the first and the last of them."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / MARKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in STEPS if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{at * step:.12g}") for at in range(first, max(last, first + 1) + 1)]


def _said(coordinate: float) -> str:
    return f"{coordinate:.1f}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def short(value: float | None) -> str:
    """Three significant digits, as an axis has room for."""
    return "–" if value is None else f"{value:.3g}"


def percent(share: float) -> str:
    """A share of 0 to 1 as it is read: 0.4 %, 12 %."""
    value = 100 * share
    return f"{value:.0f}\u202f%" if abs(value - round(value)) < 0.05 else f"{value:.1f}\u202f%"
