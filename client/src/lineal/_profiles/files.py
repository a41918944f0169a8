"""Parquet and CSV files, here or in a store that pyarrow can reach (`s3://…`), read in batches."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv, fs

from lineal.digest._columns import BLOCK_ROWS

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz")

Location = str | os.PathLike[str]


class DataFile:
    """One file. It is opened for each reading, so it can be read again."""

    def __init__(self, store: fs.FileSystem, path: str) -> None:
        self._store = store
        self.path = path

    @property
    def rows(self) -> int | None:
        """How many there are, where the file says so without being read."""
        if not self.path.lower().endswith(PARQUET):
            return None
        with _named(self.path), self._store.open_input_file(self.path) as opened:
            return int(pq.read_metadata(opened).num_rows)

    def tables(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """Its rows in batches; with `columns`, those that are in it.

        Raises:
            ValueError: the file is damaged, or a CSV value is not what those before it were; the message names the file.
        """
        with _named(self.path):
            yield from self._parquet(columns) if self.path.lower().endswith(PARQUET) else self._csv(columns)

    def _parquet(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        with self._store.open_input_file(self.path) as opened:
            found = pq.ParquetFile(opened)
            kept = None if columns is None else [name for name in found.schema_arrow.names if name in columns]
            yield found.schema_arrow.empty_table().select(found.schema_arrow.names if kept is None else kept)
            for batch in found.iter_batches(BLOCK_ROWS, columns=kept):
                yield pa.Table.from_batches([batch])

    def _csv(self, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        with self._store.open_input_stream(self.path) as opened, csv.open_csv(opened) as reader:
            for batch in reader:
                table = pa.Table.from_batches([batch])
                yield (
                    table if columns is None else table.select([name for name in table.column_names if name in columns])
                )


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Names the file in what pyarrow has to say about it."""
    try:
        yield
    except pa.ArrowException as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error


def find_files(locations: Sequence[Location]) -> list[DataFile]:
    """A file for each location; of a folder, the Parquet and CSV files below it, by name.

    Raises:
        OSError: nothing is there, or the store cannot be reached.
        ValueError: a file of another kind, or a folder without any that can be read.
    """
    return [found for location in locations for found in _found(os.fspath(location))]


def _found(location: str) -> list[DataFile]:
    store, path = _opened(location)
    info = store.get_file_info(path)
    if info.type == fs.FileType.NotFound:
        raise FileNotFoundError(f"there is no file {location}")
    if info.type == fs.FileType.File:
        if not path.lower().endswith(PARQUET + CSV):
            raise ValueError(f"{location} is neither Parquet nor CSV by its name ({', '.join(PARQUET + CSV)})")
        return [DataFile(store, path)]
    inside = store.get_file_info(fs.FileSelector(path, recursive=True))
    paths = sorted(
        each.path for each in inside if each.type == fs.FileType.File and each.path.lower().endswith(PARQUET + CSV)
    )
    if not paths:
        raise ValueError(f"in {location} there is neither a Parquet nor a CSV file")
    return [DataFile(store, path) for path in paths]


def _opened(location: str) -> tuple[fs.FileSystem, str]:
    if "://" not in location:
        return fs.LocalFileSystem(), Path(location).absolute().as_posix()
    try:
        store, path = fs.FileSystem.from_uri(location)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{location} cannot be read: {str(error).splitlines()[0]}") from error
    return store, path
