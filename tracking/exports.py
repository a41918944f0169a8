"""Runs as a file: CSV, JSON or Parquet, written while it is read, some hundred runs at a time."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from core import clock
from core.access import ProjectRef
from core.codec import json_bytes, number
from core.errors import Invalid
from tracking.errors import ParquetMissing
from tracking.limits import EXPORTED_COLUMNS, EXPORTED_RUNS
from tracking.search import count_runs, search_runs
from tracking.search.columns import Column, fetched, value_of
from tracking.search.fields import ATTRIBUTES
from tracking.selectors import RunRow, run_rows
from tracking.selectors.keys import Logged, known_keys, recent_experiments

Format = Literal["csv", "json", "parquet"]
Read = Callable[[Callable[[], Any]], Any]
Page = tuple[list[RunRow], str | None]  # and where the next begins
PAGE = 500  # runs that are read at once
FIRST = tuple(Column("attributes", key) for key in ("id", "name"))
USUAL = tuple(
    Column("attributes", key)
    for key in ("experiment", "status", "created_at", "ended_at", "duration", "created_by", "code.commit", "code.dirty")
)
_FORMULA = re.compile(r"[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Query:
    """As `search_runs` takes it."""

    filter: str = ""
    experiments: Sequence[str] | None = None
    lifecycle: str = "active"
    order_by: Sequence[str] = ()

    @property
    def scope(self) -> Mapping[str, Any]:
        return {"filter": self.filter, "experiments": self.experiments, "lifecycle": self.lifecycle}


def export(
    *,
    project: ProjectRef,
    query: Query,
    columns: Sequence[Column],
    form: Format,
    read: Read,
) -> Iterator[bytes]:
    """The file, piece by piece. What is wrong is raised before the first.

    `columns` follow id and name; without any, all that were logged in these experiments. `read` is given each read to do,
    as `core.replica.read` is. Runs that come or change meanwhile may be in it or not.

    Raises:
        InvalidFilter, InvalidOrder, ExperimentNotFound, SearchTooSlow, SearchTooWide: as `search_runs`.
        Invalid: the search finds more than EXPORTED_RUNS.
        ParquetMissing: pyarrow is not installed.
    """
    found = read(lambda: count_runs(project=project, **query.scope))
    if found > EXPORTED_RUNS:
        raise Invalid(
            f"{found:,} runs were found, and a file holds at most {EXPORTED_RUNS:,}. Narrow the filter, for instance by "
            "created_at.",
            field="filter",
        )
    wanted = columns or (*USUAL, *read(lambda: logged_columns(project=project, query=query)))
    all_of_them = tuple(dict.fromkeys((*FIRST, *wanted)))

    def page(cursor: str | None) -> Page:
        return cast("Page", read(lambda: _page(project, query, all_of_them, cursor)))

    return WRITERS[form](all_of_them, _pages(page, page(None)))


def logged_columns(*, project: ProjectRef, query: Query) -> list[Column]:
    """Params, metrics and tags there are in these experiments, or in the project's newest ones; at most EXPORTED_COLUMNS."""
    names = query.experiments or [""]
    experiments = [id_ for name in names for id_ in recent_experiments(project=project, name=name)]
    kinds: tuple[Logged, ...] = ("params", "metrics", "tags")
    found = [
        Column(kind, key, "last" if kind == "metrics" else "")
        for kind in kinds
        for key in sorted(known_keys(experiments=experiments, kind=kind, limit=EXPORTED_COLUMNS))
    ]
    return found[:EXPORTED_COLUMNS]


def _page(project: ProjectRef, query: Query, columns: Sequence[Column], cursor: str | None) -> Page:
    page = search_runs(project=project, **query.scope, order_by=query.order_by, limit=PAGE, cursor=cursor)
    return run_rows(page.items, fetched(columns)), page.next_cursor


def _pages(page: Callable[[str | None], Page], first: Page) -> Iterator[list[RunRow]]:
    rows, cursor = first
    yield rows
    while cursor:
        rows, cursor = page(cursor)
        yield rows


def _csv(columns: Sequence[Column], pages: Iterable[Sequence[RunRow]]) -> Iterator[bytes]:
    """With a byte order mark, without which a spreadsheet takes UTF-8 for something else."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([harmless(column.name) for column in columns])
    yield b"\xef\xbb\xbf" + buffer.getvalue().encode()
    for rows in pages:
        buffer.seek(0)
        buffer.truncate()
        writer.writerows([_cell(value_of(row, column)) for column in columns] for row in rows)
        yield buffer.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return clock.text(value)
        case str():
            return harmless(value)
    return str(number(value)) if isinstance(value, float) else str(value)


def harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula is led by an apostrophe, as spreadsheets do themselves; numbers are let be."""
    if not _FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _json(columns: Sequence[Column], pages: Iterable[Sequence[RunRow]]) -> Iterator[bytes]:
    """One array of flat objects. What a run lacks is left out."""
    yield b"["
    lead = b"\n"
    for rows in pages:
        told = [
            {column.name: _plain(value) for column in columns if (value := value_of(row, column)) is not None}
            for row in rows
        ]
        if told:
            yield lead + b",\n".join(json_bytes(each) for each in told)
            lead = b",\n"
    yield b"\n]\n"


def _plain(value: Any) -> Any:
    return number(value) if isinstance(value, float) else value


def parquet_is_there() -> bool:
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - 40 MB that most servers do without
    except ImportError:
        return False
    return True


def _parquet(columns: Sequence[Column], pages: Iterable[Sequence[RunRow]]) -> Iterator[bytes]:
    """Raises ParquetMissing, at once."""
    if not parquet_is_there():
        raise ParquetMissing
    return _parquet_pieces(columns, pages)


def _parquet_pieces(columns: Sequence[Column], pages: Iterable[Sequence[RunRow]]) -> Iterator[bytes]:
    """A row group for each page."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    sink = _Sink()
    schema = pa.schema([(column.name, _arrow_type(column, pa)) for column in columns])
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for rows in pages:
            told = {column.name: [_typed(value_of(row, column), column) for row in rows] for column in columns}
            writer.write_table(pa.table(told, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file that is only ever appended to, and taken away in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _arrow_type(column: Column, pa: Any) -> Any:
    if column.kind == "metrics":
        return pa.int64() if column.stat == "count" else pa.float64()
    if column.is_number:
        return pa.float64()
    attribute = ATTRIBUTES.get(column.key) if column.kind == "attributes" else None
    match attribute and attribute.kind:
        case "time":
            return pa.timestamp("us", tz="UTC")
        case "boolean":
            return pa.bool_()
    return pa.string()


def _typed(value: Any, column: Column) -> Any:
    """Params and tags are text there, since a param may be a number in one run and a word in the next."""
    if value is None or column.kind not in {"params", "tags"}:
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


WRITERS: Mapping[Format, Callable[[Sequence[Column], Iterable[Sequence[RunRow]]], Iterator[bytes]]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
}
