"""The first rows of a table: CSV read here, Parquet in a process of its own."""

import csv
import io
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import orjson

from web.previews.reading import OverBudget, Source

SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_CHARACTERS = 100, 50, 200
CSV_BYTES = 256 * 1024  # read of a CSV file
PARQUET_S = 10.0  # of the process, its start included
PARQUET_ANSWER_BYTES = 8 * 1024 * 1024  # above 100 rows of 50 cells of 200 characters, each escaped
REQUEST_BYTES = 64  # the longest line by which the reader asks for a range
_parquet_slots = threading.BoundedSemaphore(2)  # readers at once in one web process: some 100 MB each


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are cut, each cell to SHOWN_CHARACTERS. `total` is None where nobody has counted the rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int | None = None
    more_columns: int = 0
    is_cut: bool = False


class NoTable(Exception):
    """The bytes are not the table that the file's name says, or none that can be shown; the message is for the page."""


def csv_table(source: Source, *, delimiter: str = "") -> Table:
    """Raises NoTable."""
    head = source.head(CSV_BYTES)
    is_cut = len(head) < source.size
    text = head.decode("utf-8-sig", "replace")
    if is_cut:
        text = text[: text.rfind("\n") + 1] or text
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text)):
            rows.append(row)
            if len(rows) > SHOWN_ROWS + 1:
                break
    except csv.Error as exc:
        raise NoTable(f"Not read as CSV: {exc}.") from exc
    if not rows:
        raise NoTable("The file is empty.")
    width = max(len(row) for row in rows)
    columns, *body = rows
    more = len(body) > SHOWN_ROWS
    return Table(
        columns=[shortened(name) for name in (columns + [""] * (width - len(columns)))[:SHOWN_COLUMNS]],
        rows=[
            [shortened(cell) for cell in (row + [""] * (width - len(row)))[:SHOWN_COLUMNS]] for row in body[:SHOWN_ROWS]
        ],
        total=None if more or is_cut else len(body),
        more_columns=max(0, width - SHOWN_COLUMNS),
        is_cut=more or is_cut,
    )


def _delimiter(text: str) -> str:
    first = text[: text.find("\n")] if "\n" in text else text
    return max(",;\t|", key=first.count)


def shortened(cell: str) -> str:
    return cell if len(cell) <= SHOWN_CHARACTERS else cell[: SHOWN_CHARACTERS - 1] + "…"


def parquet_table(source: Source) -> Table:
    """Read by `parquet_rows` in a process that has no database, no secrets and bounded memory and time: the format is intricate, and the
    bytes are a stranger's. It asks for ranges, which are answered within the budget of `source`.

    Raises NoTable.
    """
    if not _parquet_slots.acquire(timeout=PARQUET_S):
        raise NoTable("Other previews are being made just now. Load the page again.")
    try:
        answer = _ask_reader(source)
    finally:
        _parquet_slots.release()
    if "error" in answer:
        raise NoTable(str(answer["error"]))
    return Table(
        columns=answer["columns"],
        rows=answer["rows"],
        total=answer["total"],
        more_columns=answer["more_columns"],
        is_cut=len(answer["rows"]) < answer["total"],
    )


def _ask_reader(source: Source) -> dict[str, Any]:
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    command = [sys.executable, "-m", "web.previews.parquet_rows", str(source.size)]
    limits = [str(number) for number in (SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_CHARACTERS)]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [*command, *limits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as reader:
        assert reader.stdin is not None and reader.stdout is not None  # noqa: PT018, S101 - pipes were asked for
        end = threading.Timer(PARQUET_S, reader.kill)
        end.start()
        try:
            return _serve(source, reader.stdin, reader.stdout)
        except (OSError, ValueError) as exc:
            raise NoTable("The file could not be read as Parquet within the bounds of a preview.") from exc
        finally:
            end.cancel()
            reader.kill()


def _serve(source: Source, asked: IO[bytes], told: IO[bytes]) -> dict[str, Any]:
    """Answers "start end" with those bytes, until a line "answer" comes with the rest. Raises ValueError, OSError, NoTable."""
    while line := told.readline(REQUEST_BYTES):
        if line == b"answer\n":
            return dict(orjson.loads(told.read(PARQUET_ANSWER_BYTES)))
        start, end = map(int, line.split())
        try:
            asked.write(source.range(start, end))
        except OverBudget as exc:
            raise NoTable("Its first rows lie in more bytes than a preview reads. Download it to see them.") from exc
        asked.flush()
    raise ValueError("the reader ended without an answer")
