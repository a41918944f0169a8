"""What the serving thread does: a copy of the rows, so that their owner may go on with them, and how much they weigh."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineal.digest._sources import is_from, is_table, table_of

ROW_BYTES = 300  # about what a dict, its list of keys and an entry of the buffer take
VALUE_BYTES = 40
SMALL_CELLS = 10_000  # below it, asking pandas how large a frame is takes longer than copying it
_PLAIN = frozenset({float, int, bool, type(None)})  # what most values are, told without a look at anything else

EXPECTED = "a row as a dict, a list of such rows, a pandas or polars frame, an Arrow table or a numpy array"


class Given(NamedTuple):
    """What was given beside the rows: arrays, or names of columns; of one row also single values."""

    predictions: Any = None
    labels: Any = None
    scores: Any = None
    embeddings: Any = None


@dataclass(slots=True)
class Observation:
    """One call. `batch` is a list of dicts, a table, or None; `at` one moment in seconds, or one for each row.

    `single`: what is given beside is that of one row. `late` outcomes belong to predictions that were profiled before.
    """

    batch: Any
    given: Given
    at: Any
    rows: int
    size_bytes: int
    single: bool = False
    late: bool = False


def observation_of(batch: Any, given: Given, at: Any, *, late: bool = False) -> Observation:
    """A copy of what was observed. Tables that cannot change under us are not copied.

    Raises:
        TypeError: no rows.
        ValueError: there is nothing, neither rows nor predictions.
    """
    kept, rows, size, single = _kept_batch(batch, given)
    beside = Given(*(each if each is None else kept_value(each) for each in given))
    size += sum(VALUE_BYTES if type(each) in _PLAIN else weight(each) for each in beside)
    when = time.time() if at is None else kept_value(at)
    return Observation(kept, beside, when, rows, size, single, late)


def _kept_batch(batch: Any, given: Given) -> tuple[Any, int, int, bool]:
    """The copy, its rows and bytes, and whether it is one row."""
    if isinstance(batch, Mapping) and is_row(batch):
        row = dict(batch)
        return [row], 1, _row_weight(row), True
    if isinstance(batch, list | tuple) and all(isinstance(row, Mapping) and is_row(row) for row in batch):
        rows = [dict(row) for row in batch]
        return rows, len(rows), sum(map(_row_weight, rows)), False
    if batch is None:
        return None, *_size_of_beside(given)
    if not is_table(batch):
        raise TypeError(f"{type(batch).__qualname__} is not what can be observed: give {EXPECTED}")
    table = kept_value(batch)
    if not _is_in_memory(table):
        table = table_of(table)
    return table, _rows(table), weight(table), False


def _size_of_beside(given: Given) -> tuple[int, int, bool]:
    first = next((each for each in given if each is not None), None)
    if first is None:
        raise ValueError("there is nothing to observe: no rows and no predictions")
    if isinstance(first, Mapping):
        first = next(iter(first.values()), None)
    return (1, ROW_BYTES, True) if first is None or is_scalar(first) else (len(first), ROW_BYTES, False)


def is_row(batch: Mapping[Any, Any]) -> bool:
    """One row rather than columns: it has a single value somewhere."""
    return any(is_scalar(value) for value in batch.values())


def is_scalar(value: Any) -> bool:
    """A number, text, time or nothing: no container of values."""
    return type(value) in _PLAIN or isinstance(value, str | bytes) or not hasattr(value, "__len__") or _is_flat(value)


def _is_flat(value: Any) -> bool:
    return getattr(value, "ndim", 1) == 0


def kept_value(value: Any) -> Any:
    """A copy of a container that its owner may write to."""
    if type(value) in _PLAIN:
        return value
    if is_from(value, "numpy", "ndarray") or is_from(value, "pandas", "DataFrame", "Series"):
        return value.copy()
    if is_from(value, "polars", "DataFrame", "Series"):
        return value.clone()
    if isinstance(value, Mapping):
        return {name: kept_value(each) for name, each in value.items()}
    return list(value) if isinstance(value, list | tuple) else value


def _is_in_memory(table: Any) -> bool:
    """Streams and queries are read on the spot: who gave them may close them."""
    return (
        isinstance(table, dict)
        or is_from(table, "numpy", "ndarray")
        or is_from(table, "pandas", "DataFrame", "Series")
        or is_from(table, "polars", "DataFrame", "Series")
        or is_from(table, "pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray")
    )


def _rows(table: Any) -> int:
    if isinstance(table, dict):
        return len(next(iter(table.values()))) if table else 0
    return int(table.num_rows) if hasattr(table, "num_rows") else len(table)


def _row_weight(row: Mapping[Any, Any]) -> int:
    size = ROW_BYTES + VALUE_BYTES * len(row)
    for value in row.values():
        if type(value) not in _PLAIN and not is_scalar(value):
            size += VALUE_BYTES * len(value)
        elif isinstance(value, str | bytes):
            size += len(value)
    return size


def weight(value: Any) -> int:
    """About how many bytes it takes."""
    if is_from(value, "pandas", "DataFrame"):
        cells = int(value.size)
        return ROW_BYTES + (VALUE_BYTES * cells if cells <= SMALL_CELLS else int(value.memory_usage(index=False).sum()))
    if is_from(value, "polars", "DataFrame", "Series"):
        return ROW_BYTES + int(value.estimated_size())
    if isinstance(value, Mapping):
        return sum(weight(each) for each in value.values())
    if hasattr(value, "nbytes"):
        return ROW_BYTES + int(value.nbytes)
    return _list_weight(value) if isinstance(value, list) else VALUE_BYTES


def _list_weight(values: Sequence[Any]) -> int:
    """Lists of lists by their first row, which has as many numbers as the others."""
    each = VALUE_BYTES * len(values[0]) if values and isinstance(values[0], Sequence) else VALUE_BYTES
    return ROW_BYTES + each * len(values)
