"""Figures side by side: ours, the limit measured in the same run, and their ratio."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

NUMBERS = ("ours", "limit", "times the limit")
COLUMNS = ("scenario", "unit", *NUMBERS, "limit is", "detail")


@dataclass(frozen=True)
class Row:
    """One figure. `limit` is what the machine does at best, measured beside it, in the same unit; `detail` is what else was seen.

    `spread` and `n` tell how the figure, a median, came about: "p95 4.2, p99 6" or "3.1 to 3.9", of so many rounds or calls.
    """

    scenario: str
    unit: str
    ours: float
    limit: float
    limit_is: str
    more_is_better: bool = True
    detail: str = ""
    spread: str = ""
    n: int = 0

    @property
    def ratio(self) -> float:
        """How far from the limit: 1.0 is the limit, larger is further away."""
        return self.limit / self.ours if self.more_is_better else self.ours / self.limit


def at_share(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies: 0.95 for p95."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def print_table(rows: Sequence[Row]) -> None:
    table = Table()
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for row in rows:
        table.add_row(*cells(row))
    Console().print(table)


def cells(row: Row) -> tuple[str, ...]:
    """What stands under `COLUMNS`."""
    return (row.scenario, row.unit, shown(row.ours), shown(row.limit), f"{row.ratio:.1f}", row.limit_is, _detail(row))


def _detail(row: Row) -> str:
    return "; ".join(filter(None, (row.spread, f"n {row.n:,}" if row.n else "", row.detail)))


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
