"""`lineal-frame-v1`: one digest for a table's values, however they are stored, chunked or encoded."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lineal.digest._columns import BLOCK_ROWS, Kind, block_of, canonical, kind_of
from lineal.digest._profiles import Profile
from lineal.digest._sources import arrow_stream

if TYPE_CHECKING:
    import pyarrow as pa

FRAME = b"lineal-frame-v1\0"
COLUMN = b"lineal-col-v1\0"


def frame(table: Any, ordered: bool = True) -> str:
    """`sha256:…` of a table's column names and values, in column and row order.

    Takes pandas and polars frames and series, Arrow tables, batches, arrays and streams, numpy arrays (columns "0", "1", …; the fields of
    a structured array) and dicts of columns. The same values give the same digest in each of them: integer widths, dictionaries,
    chunks, time units and the pandas index do not count; names, column order, integer against float do. NaN counts as null.
    `ordered=False` sorts columns by name and rows by all columns first, so that only the multiset of rows counts.

    About 0.4 s for 20 million cells in order; a stream is read in blocks of 65,536 rows, but sorting holds all of it.

    Raises:
        TypeError: not a table, or a column of a type without canonical bytes (nested, mixed); the message names the column.
        ValueError: equal column names, different lengths, or a value outside its canonical type.
        ImportError: pyarrow is not installed (`pip install 'lineal[frames]'`).
    """
    return scan_frame(table, ordered=ordered, profile=False).digest


@dataclass(frozen=True)
class ColumnScan:
    """One column as it was hashed. `blocks` are the digests of each 65,536 rows, so that two versions can be compared by place."""

    name: str
    type: str
    digest: str
    blocks: tuple[bytes, ...]
    profile: dict[str, Any]


@dataclass(frozen=True)
class FrameScan:
    """What one pass over a table gives."""

    digest: str
    rows: int
    columns: tuple[ColumnScan, ...]


def scan_frame(table: Any, *, ordered: bool = True, profile: bool = True) -> FrameScan:
    """`frame`, with each column's digest, blocks and, if `profile`, its nulls, min, max and mean. Raises as `frame` does."""
    schema, pieces = arrow_stream(table)
    columns = [_Column(column.name, kind_of(column.name, column.type), profile) for column in schema]
    if not ordered:
        columns.sort(key=lambda column: column.name.encode())
        pieces = iter([_sorted_rows(pieces, columns, schema)])
    rows = 0
    for block in blocks(pieces):
        rows += block.num_rows
        for column in columns:
            column.add(block.column(column.name))
    digests = [column.digest(rows) for column in columns]
    head = FRAME + (b"o" if ordered else b"u") + struct.pack("<QI", rows, len(columns))
    total = hashlib.sha256(head + b"".join(digests))
    return FrameScan(
        f"sha256:{total.hexdigest()}",
        rows,
        tuple(column.result(digest) for column, digest in zip(columns, digests, strict=True)),
    )


@dataclass
class _Column:
    name: str
    kind: Kind
    profiled: bool
    blocks: list[bytes] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)
    needs_u64: bool = False

    def add(self, values: "pa.ChunkedArray") -> None:
        block = block_of(canonical(self.name, values, self.kind), self.kind)
        self.blocks.append(block.digest())
        if self.profiled:
            self.profile.add(block, self.kind)
        if _is_unsigned(self.kind) and len(block.values):
            self.needs_u64 = self.needs_u64 or bool(
                (block.values < 0).any()
            )  # read as signed: below 0 is 2^63 and above

    @property
    def tag(self) -> str:
        return "u64" if self.needs_u64 else self.kind.tag

    def digest(self, rows: int) -> bytes:
        name = self.name.encode()
        head = COLUMN + struct.pack("<I", len(name)) + name + self.tag.encode() + b"\0" + struct.pack("<Q", rows)
        return hashlib.sha256(head + b"".join(self.blocks)).digest()

    def result(self, digest: bytes) -> ColumnScan:
        profile = self.profile.summary() if self.profiled else {}
        return ColumnScan(self.name, self.tag, f"sha256:{digest.hex()}", tuple(self.blocks), profile)


def _is_unsigned(kind: Kind) -> bool:
    return str(kind.arrow) == "uint64"


def blocks(pieces: "Iterator[pa.Table]") -> "Iterator[pa.Table]":
    """The same rows in tables of exactly 65,536, the last one of what is left; none when there are no rows."""
    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += piece.num_rows
        if count < BLOCK_ROWS:
            continue
        whole = _joined(held)
        start = 0
        while count - start >= BLOCK_ROWS:
            yield whole.slice(start, BLOCK_ROWS)
            start += BLOCK_ROWS
        held, count = [whole.slice(start)], count - start
    if count:
        yield _joined(held)


def _joined(pieces: "list[pa.Table]") -> "pa.Table":
    """One table; a lone piece stays itself, since Arrow forgets the row count of a table without columns."""
    import pyarrow as pa

    return pieces[0] if len(pieces) == 1 else pa.concat_tables(pieces)


def _sorted_rows(pieces: "Iterator[pa.Table]", columns: list[_Column], schema: "pa.Schema") -> "pa.Table":
    """All rows, ascending by every column in turn, nulls last. Sorting happens on canonical values, so NaN is a null and -0.0 is 0.0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = _joined(list(pieces) or [schema.empty_table()])
    arrays = [_sortable(canonical(column.name, whole.column(column.name), column.kind)) for column in columns]
    table = pa.table(arrays, names=[column.name for column in columns]) if columns else whole
    keys = [(column.name, "ascending", "at_end") for column in columns if column.kind.tag != "null"]
    return table.take(pc.sort_indices(table, sort_keys=keys)) if keys and table.num_rows else table


def _sortable(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type != pa.float64():
        return column
    column = pc.add(column, 0.0)
    return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
