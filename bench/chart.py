"""A small chart of growth as SVG: both axes by powers of ten, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 320, 56, 330, 34, 34
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#56b4e9", "#e69f00", "#cc79a7")  # told apart by the colour-blind, too
GREY = "#808080"  # on white and on black


@dataclass(frozen=True)
class Line:
    name: str
    points: Sequence[tuple[float, float]]


def write_chart(page: Path, title: str, lines: Sequence[Line]) -> None:
    page.write_text(drawn(title, lines), encoding="utf-8")


def drawn(title: str, lines: Sequence[Line]) -> str:
    """The second half of the lines is dashed, so that a pair of colours need not be told apart."""
    across = _Axis([x for line in lines for x, _ in line.points], LEFT, WIDTH - RIGHT)
    up = _Axis([y for line in lines for _, y in line.points], HEIGHT - BOTTOM, TOP)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
            f'font-size="12" fill="{GREY}"><title>{escape(title)}</title>'
        ),
        f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    for value in up.ticks:
        y = up.at(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GREY}" stroke-opacity="0.35"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts += [
        f'<text x="{across.at(value):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{value:,.0f}</text>'
        for value in across.ticks
    ]
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="6 4"' if number >= (len(lines) + 1) // 2 else ""
        path = "L".join(f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in line.points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>')
        y = TOP + 16 + 20 * number
        parts.append(f'<path d="M{WIDTH - RIGHT + 20} {y - 4}h28" stroke="{colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 56}" y="{y}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


class _Axis:
    """Logarithmic, from the power of ten below the least value to the one above the greatest."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, high = floor(log10(min(values))), ceil(log10(max(values)))
        self._high = max(high, self._low + 1)
        self._start, self._end = start, end

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, value: float) -> float:
        share = (log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)
