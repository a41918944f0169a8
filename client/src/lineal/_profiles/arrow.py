"""Values of Arrow columns as profiles take them: doubles, or distinct texts with counts. Nulls are left out."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lineal._profiles.columns import FAMILIES
from lineal.digest._columns import Kind, canonical, kind_of

NANOSECONDS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
OTHER = Kind("other", None)


def kind_or_other(name: str, found: pa.DataType) -> Kind:
    """The canonical kind of a column; `other` where the table digest has none (nested, extension and calendar types)."""
    try:
        return kind_of(name, found)
    except TypeError:
        return OTHER


def decoded(name: str, column: pa.ChunkedArray, wanted: pa.DataType | None = None) -> pa.ChunkedArray:
    """The column with dictionary and run-end encodings undone, cast to `wanted`."""
    plain = column.type
    while pa.types.is_dictionary(plain) or pa.types.is_run_end_encoded(plain):
        plain = plain.value_type
    return canonical(name, column, Kind("", wanted or plain))


def values_of(name: str, column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    """The column's values, nulls left out.

    Times stay in their own unit: nanoseconds would not reach the years that people write for "never".
    """
    return decoded(name, column, kind.arrow if kind.tag in ("utf8", "bin") else None).drop_null()


def doubles_or_nan(name: str, column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A double for each row, NaN where it is missing.

    Raises:
        ValueError: the column holds no numbers or bools.
    """
    kind = kind_or_other(name, column.type)
    if FAMILIES[kind.tag] not in ("number", "bool", "null"):
        raise ValueError(f"{name}: {column.type} where numbers are expected")
    plain = decoded(name, column)
    found = np.full(len(plain), np.nan)
    if kind.tag != "null":
        found[plain.is_valid().to_numpy()] = doubles(plain.drop_null(), kind.tag)
    return found


def doubles(values: pa.ChunkedArray, tag: str) -> NDArray[np.float64]:
    """Numbers as doubles, bools as 0 and 1, times as the double of their integer (nanoseconds; days for `date`). -0.0 is 0.0."""
    found = values.type
    if tag == "date":
        return _numpy(values.cast(pa.date32()).cast(pa.int32()))
    if tag in ("ts", "ts_utc", "time", "dur"):
        integers = values.cast(pa.int32() if found.bit_width == 32 else pa.int64())
        return _numpy(integers) * NANOSECONDS[found.unit]
    if tag == "dec" or pa.types.is_float16(found):
        values = values.cast(pa.float64())
    return _numpy(values) + 0.0


def _numpy(values: pa.ChunkedArray) -> NDArray[np.float64]:
    return values.to_numpy().astype(np.float64, copy=False)  # type: ignore[no-any-return]


def needs_u64(values: pa.ChunkedArray) -> bool:
    """Whether a value of an unsigned column lies above what a signed one can hold."""
    return bool(pa.types.is_uint64(values.type) and (values.to_numpy() > np.uint64(2**63 - 1)).any())


def distinct_texts(values: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """The distinct texts as bytes, and how often each is there."""
    encoded: Any = values.combine_chunks().dictionary_encode()
    counts = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
    return encoded.dictionary.cast(pa.large_binary()), counts.astype(np.int64)
