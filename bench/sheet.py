"""Results that are more than one figure a line: a table, in Markdown, which can be written into a page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Sheet:
    """`name` is the place in the page; `note` says how it was measured, under the table."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str

    def to_markdown(self) -> str:
        return f"{self.table()}\n\n{self.note}"

    def table(self) -> str:
        lines = [self.columns, ["---", *["---:"] * (len(self.columns) - 1)], *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_sheet(sheet: Sheet) -> None:
    table = Table(*sheet.columns, title=sheet.title, title_justify="left")
    for row in sheet.rows:
        table.add_row(*row)
    Console().print(table)
    print(f"{sheet.note}\n")


def write_into(page: Path, name: str, text: str) -> None:
    """Put `text` between the marks of that name.

    Raises:
        ValueError: the page has no such marks.
    """
    before = page.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- bench:{re.escape(name)} -->\n).*?(<!-- /bench -->)", re.DOTALL)
    after, found = marks.subn(lambda match: f"{match[1]}{text}\n{match[2]}", before)
    if found != 1:
        raise ValueError(f"{page} has {found} places for {name}: one is expected")
    page.write_text(after, encoding="utf-8")


def share(value: float) -> str:
    """A share of runs or columns, as a percentage."""
    return f"{100 * value:.1f} %" if 0 < value < 0.0995 else f"{100 * value:.0f} %"
