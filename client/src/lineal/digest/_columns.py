"""The canonical types of `lineal-frame-v1`: which tag an Arrow column gets, and the bytes of 65,536 of its rows (docs: digests)."""

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 65_536  # part of the format: a digest of another block size is another digest


@dataclass(frozen=True)
class Kind:
    """How one column is written: `tag` goes into its digest, `arrow` is the type its values are cast to first."""

    tag: str
    arrow: Any


def kind_of(name: str, found: "pa.DataType") -> Kind:
    """The canonical kind of a column, by its Arrow type.

    Raises:
        TypeError: a nested, extension or calendar type, which v1 of the format has no bytes for; the message names the column.
    """
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(found) or types.is_run_end_encoded(found):
        return kind_of(name, found.value_type)
    for matches, tag, arrow in (
        (types.is_uint64, "i64", pa.uint64()),  # becomes "u64" when a value needs the top bit
        (types.is_integer, "i64", pa.int64()),
        (types.is_floating, "f64", pa.float64()),
        (types.is_boolean, "bool", pa.bool_()),
        (_is_text, "utf8", pa.large_string()),
        (_is_binary, "bin", pa.large_binary()),
        (types.is_date, "date", pa.date32()),
        (types.is_time, "time", pa.time64("ns")),
        (types.is_duration, "dur", pa.duration("ns")),
        (types.is_null, "null", pa.null()),
    ):
        if matches(found):
            return Kind(tag, arrow)
    if types.is_timestamp(found):
        return Kind("ts" if found.tz is None else "ts_utc", pa.timestamp("ns", tz=found.tz and "UTC"))
    if types.is_decimal(found):
        return Kind("dec", found if found.bit_width >= 128 else pa.decimal128(found.precision, found.scale))
    raise TypeError(
        f"column {name!r} has the type {found}, which lineal-frame-v1 does not cover: digest the file instead"
    )


def _is_text(found: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_string(found) or types.is_large_string(found) or types.is_string_view(found))


def _is_binary(found: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(
        types.is_binary(found)
        or types.is_large_binary(found)
        or types.is_binary_view(found)
        or types.is_fixed_size_binary(found)
    )


def canonical(name: str, column: "pa.ChunkedArray", kind: Kind) -> "pa.ChunkedArray":
    """The column cast to `kind.arrow`, encodings undone.

    Raises:
        ValueError: a value has no place in the canonical type, such as a year 1 timestamp in nanoseconds; the message names the column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_run_end_encoded(column.type):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], type=column.type.value_type)
    if pa.types.is_dictionary(column.type):
        return pa.chunked_array([_decoded(name, chunk, kind) for chunk in column.chunks], type=kind.arrow)
    return _cast(name, column, kind)


def _decoded(name: str, chunk: Any, kind: Kind) -> Any:
    """The dictionary is cast, then looked up: Arrow cannot decode every kind of text dictionary by itself."""
    return _cast(name, chunk.dictionary, kind).take(chunk.indices)


def _cast(name: str, values: Any, kind: Kind) -> Any:
    import pyarrow as pa

    try:
        return values if values.type == kind.arrow else values.cast(kind.arrow)
    except pa.ArrowInvalid as exc:
        raise ValueError(f"column {name!r} ({values.type}) does not fit {kind.arrow}: {exc}") from exc


@dataclass(frozen=True)
class Block:
    """At most 65,536 rows of one column, in canonical form.

    `valid` is a numpy bool array, or None when every row is; `values` is a numpy array for fixed-width kinds (nulls are 0), the Arrow
    array for text, bytes and decimals, None for the typeless null column.
    """

    rows: int
    valid: Any
    values: Any
    payload: "list[bytes | memoryview]"

    def digest(self) -> bytes:
        """SHA-256 of rows, validity bits and payload."""
        import numpy as np

        state = hashlib.sha256(struct.pack("<Q", self.rows))
        state.update(_all_valid(self.rows) if self.valid is None else np.packbits(self.valid, bitorder="little").data)
        for part in self.payload:
            state.update(part)
        return state.digest()


def _all_valid(rows: int) -> bytes:
    whole, rest = divmod(rows, 8)
    return b"\xff" * whole + (bytes([(1 << rest) - 1]) if rest else b"")


def block_of(column: "pa.ChunkedArray", kind: Kind) -> Block:
    """One block of a canonical column (`canonical`), ready to be hashed or summarised."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    rows, valid = len(array), _validity(array)
    if kind.tag == "null":
        return Block(rows, valid, None, [])
    if kind.tag == "bool":
        return _bool_block(array, rows, valid)
    if kind.tag in ("utf8", "bin"):
        return Block(rows, valid, array, _variable(array))
    if kind.tag == "dec":
        import pyarrow as pa

        return Block(rows, valid, array, _variable(array.cast(pa.large_string())))
    return _fixed_block(array, rows, valid, kind)


def _validity(array: Any) -> Any:
    """None when nothing is null."""
    if array.null_count == 0:
        return None
    return array.is_valid().to_numpy(zero_copy_only=False)


def _bool_block(array: Any, rows: int, valid: Any) -> Block:
    import numpy as np

    values = (
        array.fill_null(False).to_numpy(zero_copy_only=False)
        if valid is not None
        else array.to_numpy(zero_copy_only=False)
    )
    return Block(rows, valid, values, [np.packbits(values, bitorder="little").data])


def _fixed_block(array: Any, rows: int, valid: Any, kind: Kind) -> Block:
    import numpy as np

    width = kind.arrow.bit_width // 8
    native = {"f64": "f8", "date": "i4"}.get(kind.tag, "i8")
    values = np.frombuffer(array.buffers()[1] or b"", dtype=native, count=rows, offset=array.offset * width)
    if kind.tag == "f64":
        values = values + 0.0  # turns -0.0 into 0.0; a copy in any case
        if (missing := np.isnan(values)).any():
            valid = ~missing if valid is None else valid & ~missing
    if valid is not None:
        values = np.where(valid, values, 0)
    if kind.tag == "date":
        values = values.astype("i8")
    return Block(rows, valid, values, [_little_endian(values)])


def _little_endian(values: Any) -> memoryview:
    import numpy as np

    if not len(values):
        return memoryview(b"")  # an empty array cannot be cast to bytes
    contiguous: Any = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return memoryview(contiguous).cast("B")


def _variable(array: Any) -> "list[bytes | memoryview]":
    """Lengths as u64, then all bytes. A null's slot may hold bytes in Arrow; `fill_null` empties it."""
    import numpy as np

    if array.null_count:
        array = array.fill_null("" if array.type == _large_string() else b"")
    offsets = np.frombuffer(
        array.buffers()[1] or b"", dtype="i8", count=len(array) + 1 if len(array) else 0, offset=array.offset * 8
    )
    if not len(offsets):
        return []
    data = array.buffers()[2]
    text = memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else memoryview(b"")
    return [_little_endian(np.diff(offsets)), text]


def _large_string() -> Any:
    import pyarrow as pa

    return pa.large_string()
