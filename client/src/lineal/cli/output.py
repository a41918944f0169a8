"""What a command prints: results on stdout (a table, facts or JSON), words about them on stderr."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from lineal.cli.text import clean, shown_value

Column = tuple[str, Callable[[Mapping[str, Any]], object]]
"""A heading and how to read its cell from one row's JSON."""

_GAP = "  "


class Output:
    """One command's voice. With `as_json` every result is one JSON document on stdout and nothing else is."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def listing(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, empty: str) -> None:
        """Print rows as a table, or as a JSON array. `empty` is said on stderr where there are none."""
        if self.as_json:
            print_json(list(rows))
            return
        if not rows:
            say(empty)
            return
        cells = [[clean(shown_value(read(row))) for _, read in columns] for row in rows]
        _print_table([heading for heading, _ in columns], cells)

    def facts(self, document: Mapping[str, Any], facts: Iterable[tuple[str, object]]) -> None:
        """Print one thing as `name  value` lines, or as its JSON document. Facts that are None are left out."""
        if self.as_json:
            print_json(document)
            return
        shown = [(name, clean(shown_value(value))) for name, value in facts if value is not None]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            click.echo(f"{name:<{width}}{_GAP}{value}".rstrip())

    def done(self, document: object, sentence: str) -> None:
        """Confirm an act: its JSON document, or one sentence on stdout."""
        if self.as_json:
            print_json(document)
        else:
            click.echo(clean(sentence))


def print_json(document: object) -> None:
    click.echo(json_text(document))


def json_text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


def say(words: str) -> None:
    """One line for people, on stderr, so that stdout stays the result."""
    click.echo(clean(words), err=True)


def write_file(path: Path, content: str | bytes) -> None:
    """Replace `path` in one step: a reader sees the old file or the whole new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _print_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        _print_rich_table(headings, cells)
        return
    widths = [max(len(row[at]) for row in [headings, *cells]) for at in range(len(headings))]
    for row in [[heading.upper() for heading in headings], *cells]:
        click.echo(_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_rich_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
