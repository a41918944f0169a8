"""`lineal.digest.frame`: equal values are equal in every container, and any change to a value, name or order shows."""

import datetime as dt
import decimal
import io
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lineal import digest

VECTORS = json.loads((Path(__file__).parent / "vectors" / "frame_v1.json").read_text())

ARROW_TYPES = {
    "int64": (pa.int64(), int),
    "int32": (pa.int32(), int),
    "double": (pa.float64(), float),
    "string": (pa.string(), str),
    "bool": (pa.bool_(), lambda text: text == "True"),
    "timestamp[us]": (pa.timestamp("us"), dt.datetime.fromisoformat),
    "timestamp[ms, tz=UTC]": (pa.timestamp("ms", tz="UTC"), dt.datetime.fromisoformat),
    "date32[day]": (pa.date32(), dt.date.fromisoformat),
}


def vector_column(kind: str, values: list[str | None] | str) -> pa.Array:
    if values == "0..69999":
        return pa.array(range(70_000), pa.int64())
    if kind.startswith("dictionary"):
        return pa.array(values).dictionary_encode()
    arrow, read = ARROW_TYPES[kind]
    return pa.array([None if value is None else read(value) for value in values], arrow)


@pytest.mark.parametrize("order", ["ordered", "unordered"])
@pytest.mark.parametrize("name", VECTORS["frames"])
def test_reference_digests_are_reproduced(name: str, order: str) -> None:
    columns = VECTORS["frames"][name]
    table = pa.table({key: vector_column(column["type"], column["values"]) for key, column in columns.items()})

    assert digest.frame(table, ordered=order == "ordered") == VECTORS["digests"][name][order]


ROWS = 3_000
START = dt.datetime(2024, 1, 1)
NUMBERS = list(range(ROWS))


def columns() -> dict[str, list]:
    return {
        "i": [None if n % 17 == 0 else n % 100 - 50 for n in NUMBERS],
        "f": [None if n % 13 == 0 else n / 7 for n in NUMBERS],
        "s": [None if n % 11 == 0 else ("" if n % 5 == 0 else f"ключ{n % 40}") for n in NUMBERS],
        "b": [None if n % 19 == 0 else n % 3 == 0 for n in NUMBERS],
        "t": [None if n % 23 == 0 else START + dt.timedelta(seconds=n) for n in NUMBERS],
        "full": NUMBERS[:],
    }


def table() -> pa.Table:
    return pa.table(columns())


def ipc(source: pa.Table) -> pa.Table:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, source.schema) as writer:
        writer.write_table(source)
    return pa.ipc.open_file(sink.getvalue()).read_all()


def parquet(source: pa.Table, **options) -> pa.Table:
    sink = io.BytesIO()
    pq.write_table(source, sink, **options)
    return pq.read_table(io.BytesIO(sink.getvalue()))


def as_type(source: pa.Table, name: str, arrow: pa.DataType) -> pa.Table:
    return source.set_column(source.schema.get_field_index(name), name, source[name].cast(arrow))


def pandas_frame() -> pd.DataFrame:
    return table().to_pandas(types_mapper=pd.ArrowDtype)


SAME = {
    "pandas with Arrow types": pandas_frame,
    "pandas with nullable types": lambda: table().to_pandas(
        types_mapper={pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}.get
    ),
    "pandas with a shifted index": lambda: pandas_frame().set_index(pd.RangeIndex(5, ROWS + 5)),
    "pandas category": lambda: pandas_frame().assign(s=pd.Categorical(columns()["s"])),
    "polars": lambda: pl.from_arrow(table()),
    "polars in two chunks": lambda: pl.concat(
        [pl.from_arrow(table().slice(0, 700)), pl.from_arrow(table().slice(700))], rechunk=False
    ),
    "polars categorical": lambda: pl.from_arrow(table()).with_columns(pl.col("s").cast(pl.Categorical)),
    "polars lazy": lambda: pl.from_arrow(table()).lazy(),
    "Arrow slices put together": lambda: pa.concat_tables(
        [table().slice(0, 1), table().slice(1, 998), table().slice(999)]
    ),
    "Arrow record batches as a stream": lambda: pa.RecordBatchReader.from_batches(
        table().schema, table().to_batches(max_chunksize=333)
    ),
    "an offset inside larger buffers": lambda: (
        pa.concat_tables([table().slice(0, 9), table()]).combine_chunks().slice(9)
    ),
    "IPC": lambda: ipc(table()),
    "Parquet snappy": lambda: parquet(table(), compression="snappy"),
    "Parquet zstd in row groups of 1000": lambda: parquet(table(), compression="zstd", row_group_size=1000),
    "dictionary": lambda: table().set_column(2, "s", table()["s"].dictionary_encode()),
    "a dictionary for each chunk": lambda: pa.concat_tables([table().slice(0, 500), table().slice(500)]).set_column(
        2,
        "s",
        pa.chunked_array(
            [pa.array(columns()["s"][:500]).dictionary_encode(), pa.array(columns()["s"][500:]).dictionary_encode()]
        ),
    ),
    "int8": lambda: as_type(table(), "i", pa.int8()),
    "uint64 below 2^63": lambda: as_type(table(), "full", pa.uint64()),
    "uint16": lambda: as_type(table(), "full", pa.uint16()),
    "large_string": lambda: as_type(table(), "s", pa.large_string()),
    "string_view": lambda: as_type(table(), "s", pa.string_view()),
    "timestamps in seconds": lambda: as_type(table(), "t", pa.timestamp("s")),
    "timestamps in nanoseconds": lambda: as_type(table(), "t", pa.timestamp("ns")),
    "run-end encoded": lambda: table().set_column(0, "i", pc.run_end_encode(table()["i"].combine_chunks())),
    "NaN for null": lambda: table().set_column(
        1, "f", pa.array([float("nan") if value is None else value for value in columns()["f"]])
    ),
    "dict of columns": lambda: {
        name: (pl.Series(values) if name == "s" else pa.array(values)) for name, values in columns().items()
    },
    "bytes left in the slots of nulls": lambda: table().set_column(
        2,
        "s",
        pc.if_else(
            pa.array([value is not None for value in columns()["s"]]),
            pa.array([value or "" for value in columns()["s"]]),
            pa.scalar(None, pa.string()),
        ),
    ),
}


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("container", SAME)
def test_equal_values_have_one_digest_in_every_container(container: str, ordered: bool) -> None:
    assert digest.frame(SAME[container](), ordered=ordered) == digest.frame(table(), ordered=ordered)


def with_cell(name: str, row: int, value: object) -> pa.Table:
    changed = columns()
    changed[name][row] = value
    return pa.table(changed)


def swapped() -> pa.Table:
    order = NUMBERS[:]
    order[3], order[4] = order[4], order[3]
    return table().take(order)


DIFFERENT = {
    "two rows swapped": swapped,
    "last cell": lambda: with_cell("full", ROWS - 1, -1),
    "a column renamed": lambda: table().rename_columns(["i", "f", "s", "b", "t", "Full"]),
    "column order": lambda: table().select(["f", "i", "s", "b", "t", "full"]),
    "null for the empty string": lambda: with_cell("s", 5, None),
    "last row dropped": lambda: table().slice(0, ROWS - 1),
    "a row twice": lambda: pa.concat_tables([table(), table().slice(ROWS - 1)]),
    "int to float": lambda: as_type(table(), "full", pa.float64()),
    "one second later": lambda: with_cell("t", 1, START + dt.timedelta(seconds=2)),
    "a time zone": lambda: as_type(table(), "t", pa.timestamp("us", tz="UTC")),
    "a boolean flipped": lambda: with_cell("b", 3, False),
    "text to bytes": lambda: as_type(table(), "s", pa.binary()),
    "a column dropped": lambda: table().select(["i", "f", "s", "b", "t"]),
}


@pytest.mark.parametrize("change", DIFFERENT)
def test_any_change_gives_another_digest(change: str) -> None:
    assert digest.frame(DIFFERENT[change]()) != digest.frame(table())


@pytest.mark.parametrize("change", [name for name in DIFFERENT if name not in ("two rows swapped", "column order")])
def test_order_free_digest_still_sees_every_change_of_content(change: str) -> None:
    assert digest.frame(DIFFERENT[change](), ordered=False) != digest.frame(table(), ordered=False)


@pytest.mark.parametrize("change", ["two rows swapped", "column order"])
def test_order_free_digest_ignores_order(change: str) -> None:
    assert digest.frame(DIFFERENT[change](), ordered=False) == digest.frame(table(), ordered=False)


def test_cells_do_not_run_into_each_other() -> None:
    assert digest.frame({"s": ["ab", "c"]}) != digest.frame({"s": ["a", "bc"]})


def test_negative_zero_is_zero_and_nan_is_null() -> None:
    assert digest.frame({"x": np.array([0.0, np.nan])}) == digest.frame({"x": pa.array([-0.0, None])})


def test_a_zoned_time_is_its_instant() -> None:
    instant = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)
    rome = pa.array([instant], pa.timestamp("us", tz="Europe/Rome"))

    assert digest.frame({"t": rome}) == digest.frame({"t": pa.array([instant], pa.timestamp("s", tz="UTC"))})


def test_uint64_above_2_to_63_has_a_type_of_its_own() -> None:
    """The same eight bytes, read as signed, would be another number."""
    top = pa.array([2**63], pa.uint64())

    assert digest.frame({"n": top}) != digest.frame({"n": pa.array([-(2**63)], pa.int64())})
    assert digest.scan_frame({"n": top}).columns[0].type == "u64"
    assert digest.scan_frame({"n": top}).columns[0].profile["max"] == 2**63


def test_two_dimensional_arrays_have_numbered_columns() -> None:
    array = np.arange(6, dtype=">i4").reshape(3, 2)

    assert digest.frame(array) == digest.frame({"0": [0, 2, 4], "1": [1, 3, 5]})
    assert digest.frame(np.asfortranarray(array)) == digest.frame(array)


def test_one_dimensional_arrays_are_one_column() -> None:
    assert digest.frame(np.array([1, 2], dtype="i2")) == digest.frame({"0": [1, 2]})


def test_structured_arrays_have_their_fields() -> None:
    records = np.array([(1, "a"), (2, "b")], dtype=[("n", "u1"), ("s", "U3")])

    assert digest.frame(records) == digest.frame({"n": [1, 2], "s": ["a", "b"]})


def test_masked_cells_are_null() -> None:
    masked = np.ma.MaskedArray([1, 2], mask=[False, True])

    assert digest.frame(masked) == digest.frame({"0": pa.array([1, None])})


def test_series_are_one_column() -> None:
    assert (
        digest.frame(pd.Series([1, 2], name="n")) == digest.frame(pl.Series("n", [1, 2])) == digest.frame({"n": [1, 2]})
    )


def test_decimals_count_as_their_text() -> None:
    value = decimal.Decimal("1.50")

    assert digest.frame({"d": pa.array([value], pa.decimal32(5, 2))}) == digest.frame(
        {"d": pa.array([value], pa.decimal256(40, 2))}
    )
    assert digest.frame({"d": pa.array([value])}) != digest.frame({"d": pa.array([decimal.Decimal("1.5")])})


def test_order_free_decimals_sort_by_value() -> None:
    rows = pa.array([decimal.Decimal("10.0"), decimal.Decimal("9.0"), None])

    assert digest.frame({"d": rows}, ordered=False) == digest.frame({"d": rows.take([2, 1, 0])}, ordered=False)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}]),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=["list", "struct", "interval", "map"],
)
def test_types_without_canonical_bytes_are_refused_by_column(column: pa.Array) -> None:
    with pytest.raises(TypeError, match="column 'odd'"):
        digest.frame({"odd": column})


def test_mixed_objects_are_refused_by_column() -> None:
    with pytest.raises(TypeError, match="column 'odd'"):
        digest.frame(pd.DataFrame({"fine": [1, 2], "odd": [1, "x"]}))


def test_times_outside_nanoseconds_are_refused_by_column() -> None:
    with pytest.raises(ValueError, match="column 'old'"):
        digest.frame({"old": pa.array([dt.datetime(1, 1, 1)], pa.timestamp("s"))})


@pytest.mark.parametrize("data", ["text", 3, None, [1, 2], object()])
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(TypeError, match="is not a table"):
        digest.frame(data)


def test_cubes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 dimensions"):
        digest.frame(np.zeros((2, 2, 2)))


def test_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match="'a'"):
        digest.frame(pa.table([[1], [2]], names=["a", "a"]))


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        digest.frame({"a": [1], "b": [1, 2]})


def test_rows_without_columns_count() -> None:
    assert digest.frame(pd.DataFrame(index=range(3))) != digest.frame(pd.DataFrame(index=range(4)))


def test_a_change_shows_in_its_column_and_block_alone() -> None:
    """So that two versions can be compared by place, without either table at hand."""
    numbers = np.arange(200_000)
    other = numbers.copy()
    other[70_000] = -1

    before = digest.scan_frame({"a": numbers, "b": numbers})
    after = digest.scan_frame({"a": numbers, "b": other})

    assert before.columns[0].digest == after.columns[0].digest
    changed = [
        n
        for n, pair in enumerate(zip(before.columns[1].blocks, after.columns[1].blocks, strict=True))
        if len(set(pair)) == 2
    ]
    assert changed == [1]


def test_profile_summarises_without_rows() -> None:
    found = {column.name: column.profile for column in digest.scan_frame(table()).columns}

    assert found["full"] == {"nulls": 0, "min": 0, "max": ROWS - 1, "mean": (ROWS - 1) / 2}
    assert found["s"] == {"nulls": len(range(0, ROWS, 11))}
    assert found["i"]["nulls"] == len(range(0, ROWS, 17))


def test_profile_spells_infinity_as_text() -> None:
    profile = digest.scan_frame({"x": [float("-inf"), float("inf"), None]}).columns[0].profile

    assert profile == {"nulls": 1, "min": "-Infinity", "max": "Infinity", "mean": "NaN"}


CELLS = {
    "i": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "f": st.one_of(st.none(), st.floats(allow_nan=False)),
    "s": st.one_of(st.none(), st.text(max_size=4)),
    "b": st.one_of(st.none(), st.booleans()),
    "y": st.one_of(st.none(), st.binary(max_size=4)),
}
SCHEMA = pa.schema([("i", pa.int64()), ("f", pa.float64()), ("s", pa.string()), ("b", pa.bool_()), ("y", pa.binary())])
tables = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=30).map(
    lambda rows: pa.Table.from_pylist(rows, SCHEMA)
)


@given(tables, st.data())
@settings(max_examples=60, deadline=None)
def test_digest_of_any_split_is_the_digest_of_the_whole(whole: pa.Table, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    edges = [0, *cuts, len(whole)]
    parts = [whole.slice(start, end - start) for start, end in itertools.pairwise(edges)]

    assert digest.frame(pa.concat_tables(parts)) == digest.frame(whole)
    assert digest.frame(pa.concat_tables(parts[::-1]), ordered=False) == digest.frame(whole, ordered=False)


@given(tables, st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_any_single_cell_change_is_seen(whole: pa.Table, data: st.DataObject) -> None:
    rows = whole.to_pylist()
    row, name = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(list(CELLS)))
    before = rows[row][name]
    rows[row][name] = data.draw(CELLS[name].filter(lambda value: value != before or type(value) is not type(before)))
    changed = pa.Table.from_pylist(rows, SCHEMA)

    assert digest.frame(changed) != digest.frame(whole)
    assert digest.frame(changed, ordered=False) != digest.frame(whole, ordered=False)


def test_ten_thousand_random_mutations_are_all_seen() -> None:
    random = np.random.default_rng(7)
    base = {f"c{n}": random.integers(-5, 5, 50) for n in range(4)}
    expected = digest.frame(base)

    missed = 0
    for _ in range(10_000 // 20):
        name, row = f"c{random.integers(4)}", int(random.integers(50))
        for delta in range(1, 21):
            column = base[name].copy()
            column[row] += delta
            missed += digest.frame({**base, name: column}) == expected
    assert missed == 0
