"""Observations as tables, each of one window and with one plan. What cannot be read is found out and left out; the rest goes on."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from lineal._monitors import times
from lineal._monitors.sheets import Sheet, joined, sheet_of
from lineal._monitors.snapshots import Observation
from lineal._profiles.plan import Plan

MOST_DIVISIONS = (
    64  # of what fails, in one flush: a wrong row among millions is found, millions of wrong rows are not looked at
)

OnBad = Callable[[int, Exception], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Laid:
    """Rows of one window. `late` outcomes count no rows."""

    start: int
    plan: Plan
    late: bool
    table: pa.Table


class Salvage:
    """Tries things whole and, where that fails, in parts; `on_bad` hears how many rows were given up, and why."""

    def __init__(self, on_bad: OnBad) -> None:
        self.on_bad = on_bad
        self._left = MOST_DIVISIONS

    def results(
        self,
        item: Item,
        attempt: Callable[[Item], Result],
        divide: Callable[[Item], Sequence[Item]],
        rows: Callable[[Item], int],
    ) -> Iterator[Result]:
        """What `attempt` makes of the item, or of as many of its parts as it can."""
        try:
            found = attempt(item)
        except Exception as exc:  # noqa: BLE001 - whatever rows do to the libraries that read them, the other rows go on
            parts = divide(item) if self._left > 0 else []
            self._left -= 1
            if len(parts) < 2:
                self.on_bad(rows(item), exc)
            for part in parts if len(parts) > 1 else []:
                yield from self.results(part, attempt, divide, rows)
            return
        yield found


def lay_out(observations: Sequence[Observation], window_s: int, salvage: Salvage) -> list[Laid]:
    """Tables of all that can be read."""
    groups: dict[tuple[int, bool, Hashable], list[Sheet]] = defaultdict(list)
    found: list[Laid] = []
    for observation in observations:
        try:
            sheet = sheet_of(observation)
            if times.is_moment(observation.at):
                start = times.window_start(times.moment(observation.at), window_s)
                groups[start, observation.late, sheet.sort].append(sheet)
            else:
                found += _by_window(sheet, observation, window_s)
        except Exception as exc:  # noqa: BLE001 - as in Salvage
            salvage.on_bad(observation.rows, exc)
    for (start, late, _), sheets in groups.items():
        tables = salvage.results(sheets, lambda each: joined(each).laid_out(), _divided, _rows)
        found += [Laid(start, plan, late, table) for plan, table in tables]
    return found


def _rows(sheets: Sequence[Sheet]) -> int:
    return sum(sheet.rows for sheet in sheets)


def _divided(sheets: list[Sheet]) -> list[list[Sheet]]:
    """Rows are divided by their rows, tables by tables."""
    if isinstance(sheets[0].batch, list):
        return [[part] for part in joined(sheets).divided()]
    middle = len(sheets) // 2
    return [sheets[:middle], sheets[middle:]] if middle else []


def _by_window(sheet: Sheet, observation: Observation, window_s: int) -> Iterator[Laid]:
    """Rows that have a time each. Raises TypeError or ValueError."""
    plan, table = sheet.laid_out()
    starts = np.floor_divide(_seconds(observation.at, table), window_s).astype(np.int64) * window_s
    if len(starts) != table.num_rows:
        raise ValueError(f"at: {len(starts)} times beside {table.num_rows} rows")
    for start in np.unique(starts).tolist():
        yield Laid(start, plan, observation.late, table.filter(pa.array(starts == start)))


def _seconds(at: Any, table: pa.Table) -> Any:
    if not isinstance(at, str):
        return times.moments(at)
    if at not in table.column_names:
        raise ValueError(f"at names the column {at!r}, which the batch does not have")
    return times.moments(table.column(at))
