"""Whatever holds a table, as Arrow record batches: pandas, polars, Arrow, numpy, DuckDB and other Arrow streams, dicts of columns."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

ACCEPTED = "a pandas or polars frame or series, an Arrow table or stream, a numpy array, or a dict of columns"


def arrow_stream(data: Any) -> "tuple[pa.Schema, Iterator[pa.Table]]":
    """The schema and the data in pieces of any size, in row order. A stream that can be read once is read once.

    Raises:
        TypeError: not a table, or a column holds what Arrow has no type for; the message names it.
        ValueError: columns of different lengths, equal names, or an array of more than two dimensions.
        ImportError: pyarrow is not installed.
    """
    found = as_arrow(data)
    if hasattr(found, "to_batches"):
        return found.schema, iter([found])
    return found.schema, pieces_of(found)


def as_arrow(data: Any) -> "pa.Table | pa.RecordBatchReader":
    """A table that is in memory as one, anything else as a stream. Raises as `arrow_stream` does."""
    pa = _pyarrow()
    found = _as_arrow(data, pa)
    check_names(found.schema.names)
    return found


def table_of(data: Any) -> "pa.Table":
    """All of it as one table. Raises as `arrow_stream` does."""
    found = as_arrow(data)
    return found if hasattr(found, "to_batches") else found.read_all()


def pieces_of(reader: "pa.RecordBatchReader") -> "Iterator[pa.Table]":
    """The batches of a stream, each as a table."""
    import pyarrow as pa

    return (pa.Table.from_batches([batch], schema=reader.schema) for batch in reader)


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as exc:
        raise ImportError("tables need pyarrow: pip install 'lineal[frames]'") from exc
    return pa


def is_table(data: Any) -> bool:
    """Whether `arrow_stream` would try: by type alone, without importing any of the libraries."""
    if isinstance(data, Mapping) or hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return True
    return (
        is_from(data, "numpy", "ndarray")
        or is_from(data, "pandas", "DataFrame", "Series")
        or is_from(data, "polars", "LazyFrame")
    )


def is_from(data: Any, module: str, *names: str) -> bool:
    """Whether it is of one of a library's types. One that another thread is importing may not have them yet, so nor can we."""
    library = sys.modules.get(module)
    return library is not None and isinstance(data, tuple(getattr(library, name, ()) for name in names))


def _as_arrow(data: Any, pa: Any) -> Any:
    for matches, convert in _CONVERTERS:
        if matches(data, pa):
            return convert(data, pa)
    raise TypeError(f"{type(data).__module__}.{type(data).__qualname__} is not a table: give {ACCEPTED}")


def _series_name(name: Any) -> str:
    return "0" if name is None else str(name)


def _from_pandas(frame: Any, pa: Any) -> Any:
    """Column by column, so that trouble names its column. The index is left out: it says where rows came from, not what they are."""
    names = [str(name) for name in frame.columns]
    if not names:
        return _rows_only(len(frame), pa)
    columns = [column_of(name, frame.iloc[:, position], pa) for position, name in enumerate(names)]
    return pa.Table.from_arrays(columns, names=names)


def _rows_only(rows: int, pa: Any) -> Any:
    return pa.table({"": pa.nulls(rows)}).select([])


def _from_numpy(array: Any, pa: Any) -> Any:
    if array.dtype.names is not None:
        if array.ndim != 1:
            raise ValueError(
                f"a structured array of {array.ndim} dimensions is not a table: give one dimension of records"
            )
        return _table({name: array[name] for name in array.dtype.names}, pa)
    if array.ndim == 1:
        return _table({"0": array}, pa)
    if array.ndim == 2:
        if array.shape[1] == 0:
            return _rows_only(array.shape[0], pa)
        return _table({str(position): array[:, position] for position in range(array.shape[1])}, pa)
    raise ValueError(f"an array of {array.ndim} dimensions has no columns: save it (.npy) and give the file")


def _table(columns: dict[str, Any], pa: Any, given: int | None = None) -> Any:
    if given is not None and given != len(columns):
        raise ValueError("two columns have the same name once written as text")
    arrays = {name: column_of(name, column, pa) for name, column in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    return pa.table(arrays)


def column_of(name: str, values: Any, pa: Any) -> Any:
    """Values in any container as an Arrow array. Raises TypeError, naming the column, where there is none for them."""
    try:
        return _array(values, pa)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as exc:
        kind = getattr(values, "dtype", None) or type(values).__qualname__
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise TypeError(f"column {name!r} ({kind}) cannot be read as a column of values: {reason}") from exc


def _array(values: Any, pa: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if is_from(values, "polars", "Series"):
        return values.to_arrow()
    if is_from(values, "numpy", "ndarray"):
        return _numpy_column(values, pa)
    if hasattr(values, "__arrow_c_stream__") and not is_from(values, "pandas", "Series"):
        return pa.chunked_array(values)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError("not a sequence of values")
    return pa.array(values, from_pandas=True)


def _numpy_column(values: Any, pa: Any) -> Any:
    import numpy as np

    if values.ndim != 1:
        raise TypeError(f"nested: {values.ndim} dimensions")
    mask = None
    if isinstance(values, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(values), values.data
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(np.ascontiguousarray(values), mask=mask, from_pandas=values.dtype == object)


def check_names(names: list[str]) -> None:
    """Raises ValueError: a name is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two columns are named {name!r}")
        seen.add(name)


# Each library is asked through sys.modules: data of a library that was never imported cannot be here.
_CONVERTERS: tuple[tuple[Callable[[Any, Any], bool], Callable[[Any, Any], Any]], ...] = (
    (lambda data, pa: isinstance(data, (pa.Table, pa.RecordBatchReader)), lambda data, _: data),
    (lambda data, pa: isinstance(data, pa.RecordBatch), lambda data, pa: pa.Table.from_batches([data])),
    (lambda data, pa: isinstance(data, (pa.Array, pa.ChunkedArray)), lambda data, pa: _table({"0": data}, pa)),
    (lambda data, _: is_from(data, "pandas", "DataFrame"), _from_pandas),
    (lambda data, _: is_from(data, "pandas", "Series"), lambda data, pa: _table({_series_name(data.name): data}, pa)),
    (lambda data, _: is_from(data, "polars", "LazyFrame"), lambda data, pa: _as_arrow(data.collect(), pa)),
    (
        lambda data, _: is_from(data, "polars", "Series"),
        lambda data, pa: _table({data.name or "0": data.to_arrow()}, pa),
    ),
    (lambda data, _: is_from(data, "numpy", "ndarray"), _from_numpy),
    (
        lambda data, _: isinstance(data, Mapping),
        lambda data, pa: _table({str(name): column for name, column in data.items()}, pa, given=len(data)),
    ),
    (lambda data, _: hasattr(data, "__arrow_c_stream__"), lambda data, pa: pa.RecordBatchReader.from_stream(data)),
)
