"""What a profile says of a column is true, for every kind of column there is, and in whatever container it comes."""

import datetime as dt
import decimal
import hashlib
import itertools
import math

import lineal
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

INF = math.inf


def column(values, **options):
    return lineal.profile({"x": values}, **options).columns["x"]


def described(found):
    """The parts of a column that a person would ask for."""
    return {
        name: getattr(found, name)
        for name in ("type", "family", "n", "nulls", "nan", "pos_inf", "neg_inf", "zeros", "mean", "m2", "min", "max")
    }


def test_numbers_are_counted_and_described():
    found = column(pa.array([3.0, None, math.nan, -1.0, 0.0, 3.0]))

    assert described(found) == {
        "type": "f64",
        "family": "number",
        "n": 6,
        "nulls": 1,
        "nan": 1,
        "pos_inf": 0,
        "neg_inf": 0,
        "zeros": 1,
        "mean": 1.25,
        "m2": 12.75,
        "min": -1.0,
        "max": 3.0,
    }
    assert (found.missing, found.present, found.distinct) == (2, 4, 3)
    assert found.values.items == [(3.0, 2), (-1.0, 1), (0.0, 1)]
    assert found.kll.weighted()[0].tolist() == [-1.0, 0.0, 3.0, 3.0]


def test_infinities_are_values_and_have_no_part_in_the_mean():
    found = column([INF, -INF, INF, 1.0, 3.0])

    assert (found.pos_inf, found.neg_inf, found.missing, found.finite) == (2, 1, 0, 2)
    assert (found.mean, found.m2, found.min, found.max) == (2.0, 2.0, 1.0, 3.0)
    assert (found.kll.min, found.kll.max) == (-INF, INF)
    assert found.values.items[0] == (INF, 2)


def test_only_infinities_have_no_mean():
    found = column([INF, INF])

    assert (found.mean, found.m2, found.min, found.max, found.distinct) == (None, None, None, None, 1)


def test_negative_zero_is_zero():
    assert lineal.profile({"x": [-0.0, 1.0]}) == lineal.profile({"x": [0.0, 1.0]})


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324, 2.0**53 + 2])
def test_a_constant_has_itself_as_mean_and_no_variance(value):
    """Sums of the largest doubles leave their range; the mean does not."""
    found = column(np.full(1_000, value))

    assert (found.mean, found.m2, found.min, found.max, found.distinct) == (pytest.approx(value), 0.0, value, value, 1)
    assert found.hist.kind == "cells"


def test_differences_beyond_the_range_of_doubles_are_an_infinite_variance():
    found = column([1.7e308, -1.7e308, 0.0])

    assert (found.mean, found.m2) == (pytest.approx(0.0, abs=1e292), INF)
    assert lineal.Profile.from_bytes(lineal.profile({"x": [1.7e308, -1.7e308, 0.0]}).to_bytes()).columns["x"].m2 == INF


def test_bools_are_zeros_and_ones():
    found = column(pa.array([True, None, False, True]))

    assert (found.type, found.family, found.zeros, found.nulls, found.mean) == (
        "bool",
        "bool",
        1,
        1,
        pytest.approx(2 / 3),
    )
    assert found.values.items == [(1.0, 2), (0.0, 1)]


def test_texts_are_counted_by_value():
    found = column(pa.array(["b", "a", None, "b", "", "ü"]))

    assert (found.type, found.family, found.nulls, found.distinct) == ("utf8", "text", 1, 4)
    assert found.values.items == [("b", 2), ("", 1), ("a", 1), ("ü", 1)]
    assert (found.mean, found.min, found.kll) == (None, None, None)


def test_hashes_of_texts_are_keyed_blake2b():
    found = column(pa.array(["ü", "ü", "a"]), key=b"0123456789abcdef")

    expected = hashlib.blake2b("ü".encode(), digest_size=8, key=b"0123456789abcdef").digest()
    assert found.hashes.items[0] == (int.from_bytes(expected, "little"), 2)
    assert set(found.kmv.tolist()) == {value for value, _ in found.hashes.items}


def test_hashes_of_numbers_are_the_mixed_bits_of_their_double():
    """Spelt out in whole numbers, beside the arrays that compute it."""
    key = b"0123456789abcdef"
    bits = int(np.float64(2.5).view(np.uint64))
    low, high = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")

    def mix(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    assert column([2.5], key=key).kmv.tolist() == [mix((mix(bits ^ low) + high) % 2**64)]


def test_bytes_have_hashes_only():
    found = column(pa.array([b"\xff", b"\xff", b"a"]))

    assert (found.type, found.values, found.hashes.total, found.distinct) == ("bin", None, 3, 2)


def test_texts_that_are_no_utf_8_have_hashes_only():
    broken = pa.array([b"\xff\xfe", b"fine"]).cast(pa.binary()).view(pa.string())

    found = column(broken)

    assert (found.type, found.values, found.hashes.total) == ("utf8", None, 2)


def test_long_texts_are_cut_in_values_and_whole_in_hashes():
    found = column(pa.array(["x" * 300 + "1", "x" * 300 + "2", "y" * 256]))

    assert found.values.items == [("x" * 256, 2), ("y" * 256, 1)]
    assert (len(found.hashes), found.distinct) == (3, 3)


@pytest.mark.parametrize(
    ("values", "kind", "least"),
    [
        (pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("s")), "ts", 1_704_067_200e9),
        (pa.array([dt.datetime(2024, 1, 1), None], pa.timestamp("ns", tz="UTC")), "ts_utc", 1_704_067_200e9),
        (pa.array([dt.datetime(9999, 12, 31), None], pa.timestamp("us")), "ts", 253_402_214_400e9),
        (pa.array([dt.datetime(1, 1, 1), None], pa.timestamp("us")), "ts", -62_135_596_800e9),
        (pa.array([dt.date(1970, 1, 11), None]), "date", 10.0),
        (pa.array([dt.date(1970, 1, 11), None], pa.date64()), "date", 10.0),
        (pa.array([dt.time(0, 0, 2), None], pa.time32("ms")), "time", 2e9),
        (pa.array([dt.timedelta(seconds=3), None]), "dur", 3e9),
    ],
)
def test_times_are_doubles_of_their_integers(values, kind, least):
    """Nanoseconds, or days; "never" is often written as the year 9999, which no 64-bit nanosecond reaches."""
    found = column(values)

    assert (found.type, found.family, found.nulls, found.min, found.zeros) == (kind, "time", 1, least, 0)


def test_decimals_are_numbers():
    found = column(pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-0.75")], pa.decimal256(40, 2)))

    assert (found.type, found.family, found.mean, found.min) == ("dec", "number", 0.25, -0.75)


def test_unsigned_integers_beyond_signed_ones_have_a_type_of_their_own():
    assert column(pa.array([2**63], pa.uint64())).type == "u64"
    assert column(pa.array([2**63 - 1], pa.uint64())).type == "i64"
    assert column(pa.array([2**63], pa.uint64())).max == 2.0**63


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1], None, [2, 3]]),
        pa.array([{"a": 1}, None, {"a": 2}]),
        pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2)),
        pa.array([(1, 2, 3), None, (1, 2, 4)], pa.month_day_nano_interval()),
    ],
)
def test_types_without_a_family_have_counts_only(values):
    found = column(values)

    assert (found.type, found.family, found.n, found.nulls) == ("other", "other", 3, 1)
    assert (found.values, found.hashes, found.kll, found.kmv, found.hist, found.distinct) == (None,) * 6


def test_a_column_of_nothing_but_nulls():
    for values in (pa.nulls(3), pa.nulls(3, pa.float64()), pa.nulls(3, pa.string())):
        found = column(values)

        assert (found.n, found.missing, found.mean, found.hist.kind, found.hist.counts.tolist()) == (
            3,
            3,
            None,
            "cells",
            [0],
        )


def test_a_table_without_rows():
    found = lineal.profile({"x": pa.array([], pa.float64()), "s": pa.array([], pa.string())})

    assert (found.rows, found.columns["x"].n, found.columns["x"].mean, found.columns["s"].distinct) == (0, 0, None, 0)
    assert lineal.Profile.from_bytes(found.to_bytes()) == found


def test_a_stream_without_tables_adds_nothing():
    """As an empty partition of a cluster is."""
    nothing, some = lineal.profile(iter([])), lineal.profile({"x": [1.0]})

    assert (nothing.rows, dict(nothing.columns)) == (0, {})
    assert nothing.merge(some) == some.merge(nothing) == some


def test_a_table_without_columns():
    assert lineal.profile(pd.DataFrame(index=range(3))).rows == 3


def test_all_distinct_values_are_too_many_to_list():
    found = column(np.arange(100_000.0))

    assert (found.values.total, found.values.items) == (100_000, [])
    assert found.values.error <= 100_000 / 257
    assert found.distinct == pytest.approx(100_000, rel=0.1)


def test_the_most_frequent_are_listed_with_their_counts():
    """One block holds all of them, so the 256 are exact, and what is not listed is no more frequent than `error`."""
    values = np.repeat(np.arange(300.0), np.arange(1, 301))

    found = column(values).values

    assert found.items[:2] == [(299.0, 300), (298.0, 299)]
    assert (len(found), found.error, found.total) == (256, 44, len(values))


def test_texts_more_frequent_than_the_error_are_listed_however_many_there_are():
    rng = np.random.default_rng(0)
    values = [f"v{value}" for value in rng.zipf(1.3, 200_000)]
    true = {value: values.count(value) for value in set(values[:50])}

    found = column(pa.array(values)).values

    shown = dict(found.items)
    assert found.total == len(values)
    assert found.error <= len(values) / 257
    assert all(0 <= count - shown.get(value, 0) <= found.error for value, count in true.items())


def test_distinct_values_are_exact_below_1024_however_often_they_repeat():
    """165 values in many rows; a cut before repeats are gone once gave 1."""
    values = np.random.default_rng(0).integers(0, 165, 300_000)

    assert column(values).distinct == 165
    assert column(pa.array(values.astype(str))).distinct == 165


@pytest.mark.parametrize("distinct", [2_000, 50_000, 400_000])
def test_more_distinct_values_are_estimated(distinct):
    values = np.arange(400_000) % distinct

    assert column(values).distinct == pytest.approx(distinct, rel=0.1)


CONTAINERS = {
    "pandas": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),
    "record batches": lambda table: pa.Table.from_batches(table.to_batches(max_chunksize=7)),
    "dict": lambda table: {name: table[name] for name in table.column_names},
    "polars categories": lambda table: pl.from_arrow(table).with_columns(pl.col("s").cast(pl.Categorical)),
    "pandas categories": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype).astype({"s": "category"}),
    "string views": lambda table: table.set_column(1, "s", table["s"].cast(pa.string_view())),
    "run-end encoded": lambda table: table.set_column(2, "i", pc.run_end_encode(table["i"].combine_chunks())),
    "dictionaries": lambda table: table.set_column(1, "s", table["s"].dictionary_encode()),
    "large and small types": lambda table: table.set_column(1, "s", table["s"].cast(pa.large_string())).set_column(
        2, "i", table["i"].cast(pa.int8())
    ),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_equal_values_have_one_profile_in_every_container(container):
    table = pa.table(
        {
            "f": [None if n % 9 == 0 else n / 7 for n in range(300)],
            "s": [None if n % 7 == 0 else f"ключ{n % 40}" for n in range(300)],
            "i": [n % 100 for n in range(300)],
            "t": [dt.datetime(2024, 1, 1) + dt.timedelta(hours=n) for n in range(300)],
        }
    )

    assert lineal.profile(CONTAINERS[container](table)) == lineal.profile(table)


def test_numpy_arrays_have_numbered_columns():
    assert set(lineal.profile(np.zeros((4, 3))).columns) == {"0", "1", "2"}


@pytest.mark.parametrize("sizes", [[1], [65_536], [65_535, 2], [100, 70_000, 3]])
def test_how_rows_were_cut_into_batches_changes_nothing(sizes):
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.normal(size=150_000), "s": pa.array([f"k{k}" for k in rng.integers(0, 3_000, 150_000)])})
    starts = np.cumsum([0, *sizes, 150_000 - sum(sizes)])
    batches = [table.slice(start, end - start) for start, end in itertools.pairwise(starts)]

    assert lineal.profile(iter(batches)) == lineal.profile(iter([table]))


def test_the_same_rows_give_the_same_bytes():
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.normal(size=70_000), "s": pa.array([f"k{k}" for k in rng.integers(0, 3_000, 70_000)])})

    assert lineal.profile(table).to_bytes() == lineal.profile(table).to_bytes()


def test_missing_packages_are_named(monkeypatch):
    """A thin installation logs runs, and says what profiles need."""
    monkeypatch.setattr("lineal._profiles.needed.find_spec", lambda name: None)

    with pytest.raises(ImportError, match=r"profiles need numpy and pyarrow: pip install 'lineal\[frames\]'"):
        lineal.profile({"x": [1]})
    with pytest.raises(ImportError, match="profiles need numpy"):
        lineal.Profile.from_json({})


def test_equal_names_are_refused():
    table = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])

    for given in (table, iter([table])):
        with pytest.raises(ValueError, match="two columns are named 'x'"):
            lineal.profile(given)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (7, TypeError, "int is not a table"),
        ([7], TypeError, "is not a table"),
        (None, TypeError, "nothing to profile"),
        ({"x": [object()]}, TypeError, "column 'x'"),
        ({"x": [1], "y": [1, 2]}, ValueError, "different lengths"),
    ],
)
def test_what_is_no_table_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        lineal.profile(given)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"privacy": "none"}, ValueError, "'standard' or 'strict'"),
        ({"key": b"short"}, ValueError, "16 bytes"),
        ({"key": "0123456789abcdef"}, ValueError, "16 bytes"),
        ({"reference": {}}, TypeError, "lineal.Reference is expected"),
    ],
)
def test_options_that_are_none_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        lineal.profile({"x": [1]}, **options)
