"""Parquet and CSV files are read in blocks: their profile is that of the rows in memory, and memory does not grow with them."""

import datetime as dt
import subprocess
import sys

import lineal
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

ROWS = 150_000


def table(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": pa.array(np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)), from_pandas=True),
            "n": rng.integers(0, 1_000, rows),
            "s": pa.array([f"k{k}" for k in rng.integers(0, 300, rows)]),
            "t": pa.array(np.datetime64("2024-01-01", "s") + rng.integers(0, 10**7, rows).astype("timedelta64[s]")),
        }
    )


@pytest.fixture
def folder(tmp_path):
    whole = table()
    for at in range(3):
        pq.write_table(whole.slice(at * 50_000, 50_000), tmp_path / f"part-{at}.parquet", row_group_size=7_000)
    return tmp_path


def test_a_file_has_the_profile_of_its_rows(tmp_path):
    pq.write_table(table(), tmp_path / "t.parquet", row_group_size=10_000)

    for given in (tmp_path / "t.parquet", str(tmp_path / "t.parquet"), (tmp_path / "t.parquet").as_uri()):
        assert lineal.profile(given) == lineal.profile(table())


def test_files_of_a_folder_are_one_table(folder):
    (folder / "_SUCCESS").write_text("")
    expected = lineal.profile(table())

    assert lineal.profile(folder) == expected
    assert lineal.profile(sorted(folder.glob("*.parquet"))) == expected


def test_a_csv_has_the_profile_of_its_rows(tmp_path):
    """CSV has no empty texts beside missing ones, and its numbers come back as they were."""
    csv.write_csv(table(), tmp_path / "t.csv")

    found, expected = lineal.profile(tmp_path / "t.csv"), lineal.profile(table())

    assert (found.rows, set(found.columns)) == (ROWS, set(expected.columns))
    for name in ("x", "n", "t"):
        assert found.columns[name].kmv.tolist() == expected.columns[name].kmv.tolist()
        assert found.columns[name].missing == expected.columns[name].missing
    assert found.columns["s"].values.items == expected.columns["s"].values.items


def test_files_whose_types_differ_meet_in_one_column(tmp_path):
    """A month without a value was written as integers, the next as floats."""
    pq.write_table(pa.table({"x": pa.array([1, 2]), "late": pa.nulls(2)}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": pa.array([2.0, None]), "late": ["a", "b"]}), tmp_path / "b.parquet")

    found = lineal.profile(tmp_path)

    assert (found.columns["x"].type, found.columns["x"].values.items) == ("f64", [(2.0, 2), (1.0, 1)])
    assert (found.columns["late"].type, found.columns["late"].nulls) == ("utf8", 2)
    assert found.columns["x"].hist.counts.tolist() == [2, 1, 0]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_file_of_few_rows_has_its_columns(tmp_path, rows):
    pq.write_table(table(rows), tmp_path / "t.parquet")

    found = lineal.profile(tmp_path / "t.parquet")

    assert (found.rows, list(found.columns)) == (rows, ["x", "n", "s", "t"])


def test_rows_are_told_as_they_are_read(folder):
    seen = []

    lineal.profile(folder, on_rows=seen.append)

    assert seen == [65_536, 65_536, 18_928]


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("absent.parquet", None, FileNotFoundError, "there is no file"),
        ("notes.txt", b"x", ValueError, "neither Parquet nor CSV"),
        ("broken.parquet", b"PAR1 nothing of the kind", ValueError, "broken.parquet: "),
        ("broken.csv", b"a,b\n1,2\n3\n", ValueError, "broken.csv: "),
        ("empty.csv", b"", ValueError, "empty.csv: "),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, error, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(error, match=words):
        lineal.profile(tmp_path / name)


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither a Parquet nor a CSV file"):
        lineal.profile(tmp_path)


def test_an_address_of_no_store_is_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        lineal.profile("gopher://old/table.parquet")


GROWTH = """
import resource, sys
import lineal, numpy as np, pyarrow as pa

def batches(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        ids = pa.array([f"user-{k}" for k in rng.integers(0, 10**9, 65_536)])
        yield pa.table({**{f"x{i}": rng.normal(size=65_536) for i in range(10)}, "id": ids})

lineal.profile(batches(4))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
lineal.profile(batches(40))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows():
    """Forty batches of 8 MB, all values distinct, in no more than a few batches' room."""
    grown = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, timeout=120, check=True)

    assert float(grown.stdout) < 60


def test_years_that_nanoseconds_do_not_reach_come_from_files_too(tmp_path):
    pq.write_table(
        pa.table({"until": pa.array([dt.datetime(9999, 12, 31)], pa.timestamp("us"))}), tmp_path / "t.parquet"
    )

    assert lineal.profile(tmp_path / "t.parquet").columns["until"].max == 253_402_214_400e9
