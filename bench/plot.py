"""Curves over orders of magnitude, as an SVG of the bench's own: both axes are logarithmic, and the page shows it light or dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.sheet import Sheet
from bench.table import shown

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 190, 24, 48
STROKES = ("#3b6fd4", "#c2571a", "#2f8f5b", "#8a4fbf", "#b3892a", "#c23a6b")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "10 4")  # lines are told apart without colours, too


@dataclass(frozen=True)
class Curve:
    """`points` are (x, y), both above 0."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curves:
    """One picture. `name` is its file's; `x` and `y` say what is measured, with the unit; `note` what the lines tell."""

    name: str
    title: str
    x: str
    y: str
    curves: Sequence[Curve]
    note: str = ""

    def draw(self, folder: Path) -> Path:
        """The picture, as `bench-<name>.svg`. Raises ValueError for what has no place on a logarithmic axis."""
        path = folder / f"bench-{self.name}.svg"
        path.write_text(_svg(self), encoding="utf-8")
        return path

    def to_markdown(self) -> str:
        image = f"![{self.title}: {self.y} by {self.x}](images/bench-{self.name}.svg)"
        return "\n\n".join(filter(None, (image, self.to_sheet().table(), self.note)))

    def to_sheet(self) -> Sheet:
        """The same figures, for whoever reads rather than looks."""
        places = sorted({x for curve in self.curves for x, _ in curve.points})
        rows = [
            [curve.label, *(shown(dict(curve.points)[x]) if x in dict(curve.points) else "" for x in places)]
            for curve in self.curves
        ]
        return Sheet(self.name, self.title, (f"{self.y}, by {self.x}", *map(_large, places)), rows, self.note)


def _svg(curves: Curves) -> str:
    points = [point for curve in curves.curves for point in curve.points]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError(f"{curves.name}: a logarithmic axis has a place for values above 0 alone")
    across, up = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT), _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12">',
        "<style>text { font-family: sans-serif }</style>",
        f"<title>{escape(curves.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_grid(across, up),
        f'<text x="{LEFT}" y="14" fill="#222">{escape(curves.y)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" fill="#222" text-anchor="middle">{escape(curves.x)}</text>',
        *(part for at, curve in enumerate(curves.curves) for part in _line(at, curve, across, up)),
        *_legend(curves.curves, up),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Axis:
    """From the power of ten below the least value to the one above the largest."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)) + 1e-9)
        self._high = max(math.ceil(math.log10(max(values)) - 1e-9), self._low + 1)
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _grid(across: _Axis, up: _Axis) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    lines = []
    for tick in across.ticks():
        x = across.at(tick)
        lines += [
            f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}" stroke="#ddd"/>',
            f'<text x="{x}" y="{bottom + 16}" fill="#444" text-anchor="middle">{_large(tick)}</text>',
        ]
    for tick in up.ticks():
        y = up.at(tick)
        lines += [
            f'<line x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{y + 4}" fill="#444" text-anchor="end">{_large(tick)}</text>',
        ]
    return lines


def _line(at: int, curve: Curve, across: _Axis, up: _Axis) -> list[str]:
    places = [(across.at(x), up.at(y)) for x, y in sorted(curve.points)]
    stroke, dash = STROKES[at % len(STROKES)], DASHES[at % len(DASHES)]
    path = " ".join(f"{x},{y}" for x, y in places)
    return [
        f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="2" stroke-dasharray="{dash}"/>',
        *(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{stroke}"/>' for x, y in places),
    ]


def _legend(curves: Sequence[Curve], up: _Axis) -> list[str]:
    """Beside the lines' last points, in their order from above, and never one on the other."""
    ordered = sorted(range(len(curves)), key=lambda at: up.at(max(curves[at].points)[1]))
    lines, free = [], float(TOP)
    for at in ordered:
        y = max(up.at(max(curves[at].points)[1]) + 4, free)
        free = y + 15
        text = escape(curves[at].label)
        lines.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y}" fill="{STROKES[at % len(STROKES)]}">{text}</text>')
    return lines


def _large(value: float) -> str:
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
