"""Where rows come from: a table in memory, tables one after the other, or files. Whatever it is, in blocks of 65,536 rows."""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from lineal._profiles.files import DataFile, find_files
from lineal.digest._frames import blocks
from lineal.digest._sources import ACCEPTED, as_arrow, is_from, is_table, pieces_of


class Stretch(NamedTuple):
    """Consecutive rows of one schema. The blocks have to be taken before the next stretch is asked for."""

    schema: pa.Schema
    blocks: Iterator[pa.Table]


class Source(Protocol):
    """Rows that can be read, and perhaps read again."""

    @property
    def again(self) -> bool: ...

    @property
    def rows(self) -> int | None:
        """How many there will be, where that is known."""

    def stretches(self, columns: Sequence[str] | None = None) -> Iterator[Stretch]:
        """All rows; of the columns, at least these."""


class TableSource:
    """A table in memory."""

    again = True

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.rows = table.num_rows

    def stretches(self, columns: Sequence[str] | None = None) -> Iterator[Stretch]:
        yield Stretch(self.table.schema, blocks(iter([self.table])))


class StreamSource:
    """Tables one after the other, to be read once."""

    again = False
    rows = None

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = pieces

    def stretches(self, columns: Sequence[str] | None = None) -> Iterator[Stretch]:
        return _stretches(itertools.chain.from_iterable(map(_tables_of, self._pieces)))


class FileSource:
    """Files, one after the other."""

    again = True

    def __init__(self, files: Sequence[DataFile]) -> None:
        self._files = files

    @property
    def rows(self) -> int | None:
        counts = [file.rows for file in self._files]
        return None if None in counts else sum(count for count in counts if count is not None)

    def stretches(self, columns: Sequence[str] | None = None) -> Iterator[Stretch]:
        return _stretches(itertools.chain.from_iterable(file.tables(columns) for file in self._files))


def source_of(data: Any) -> Source:
    """Where the rows of `data` come from.

    Raises:
        TypeError: neither a table nor an iterator of tables nor paths.
        ValueError: equal column names.
        OSError: there is no such file.
    """
    if isinstance(data, str | os.PathLike):
        return FileSource(find_files([data]))
    if is_table(data):
        return _of_table(data)
    if not isinstance(data, Iterable):
        raise TypeError(f"{type(data).__qualname__} is not a table: give {ACCEPTED}, an iterator of tables, or paths")
    pieces = iter(data)
    first = list(itertools.islice(pieces, 1))  # empty for a partition without rows, whose profile is empty
    pieces = itertools.chain(first, pieces)
    if first and isinstance(first[0], str | os.PathLike):
        return FileSource(find_files(list(pieces)))
    return StreamSource(pieces)


def _of_table(data: Any) -> TableSource | StreamSource:
    found = as_arrow(data)
    if isinstance(found, pa.Table):
        return TableSource(found)
    return TableSource(found.read_all()) if is_from(data, "polars", "DataFrame", "LazyFrame") else StreamSource([found])


def _tables_of(data: Any) -> Iterator[pa.Table]:
    found = as_arrow(data)
    if isinstance(found, pa.Table):
        return iter([found])
    return itertools.chain([found.schema.empty_table()], pieces_of(found))  # a stream of no batches has columns too


def _stretches(tables: Iterator[pa.Table]) -> Iterator[Stretch]:
    for schema, group in itertools.groupby(tables, key=lambda table: table.schema):
        yield Stretch(schema, blocks(group))
