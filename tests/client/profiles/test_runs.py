"""Runs keep profiles of what they were trained on, and trouble with one never reaches the training code."""

import lineal
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lineal import digest

FRAME = pd.DataFrame({"x": np.arange(200.0), "s": ["a", "b"] * 100})
TRAIN = "lineal/profiles/train.lineal-profile"


def kept(fake, run):
    return {path: lineal.Profile.from_bytes(data) for path, data in fake.runs[run.id].artifacts.items()}


@pytest.mark.parametrize(("name", "context"), [("train", ""), ("customers", "train"), ("train", "fold-1")])
def test_a_training_table_is_profiled_by_itself(fake, warnings, name, context):
    with lineal.start_run("churn") as run:
        recorded = run.use_dataset(name, FRAME, context=context)

    assert kept(fake, run) == {f"lineal/profiles/{context or name}.lineal-profile": lineal.profile(FRAME)}
    assert recorded == digest.frame(FRAME)
    assert fake.runs[run.id].inputs[0]["digest"] == recorded
    assert warnings() == []


def test_other_tables_are_profiled_when_asked_for(fake):
    with lineal.start_run("churn") as run:
        run.use_dataset("test", FRAME)
        run.use_dataset("holdout", FRAME, profile=True)
        run.use_dataset("train", FRAME, profile=False)

    assert list(kept(fake, run)) == ["lineal/profiles/holdout.lineal-profile"]


def test_a_profile_that_was_made_before_is_kept_as_it_is(fake):
    made = lineal.profile(FRAME, label_column="s")

    with lineal.start_run("churn") as run:
        run.use_dataset("train", FRAME, profile=made)
        run.log_profile(made)
        run.log_profile(made, "by hand/at night")

    assert kept(fake, run) == {
        TRAIN: made,
        "lineal/profiles/reference.lineal-profile": made,
        "lineal/profiles/by hand-at night.lineal-profile": made,
    }


@pytest.mark.parametrize(
    "given",
    [
        lambda: pa.Table.from_pandas(FRAME, preserve_index=False),
        lambda: pl.from_pandas(FRAME),
        lambda: {"x": FRAME["x"].to_numpy(), "s": FRAME["s"].to_list()},
    ],
)
def test_any_table_in_memory_will_do(fake, given):
    with lineal.start_run("churn") as run:
        run.use_dataset("train", given())

    assert kept(fake, run)[TRAIN] == lineal.profile(FRAME)


def test_a_stream_is_read_once_for_digest_and_profile(fake, warnings):
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=30))

    with lineal.start_run("churn") as run:
        recorded = run.use_dataset("train", reader, profile=True)

    assert recorded == digest.frame(table)
    assert kept(fake, run)[TRAIN] == lineal.profile(iter([table]))
    assert warnings() == []


def test_files_are_profiled_when_asked_for(fake, tmp_path):
    pq.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), tmp_path / "t.parquet")

    with lineal.start_run("churn") as run:
        run.use_dataset("train", tmp_path / "t.parquet")
        assert run.flush()
        assert "lineal/profiles" not in str(fake.runs[run.id].artifacts)
        recorded = run.use_dataset("train", tmp_path / "t.parquet", profile=True)

    assert recorded == digest.file(tmp_path / "t.parquet")
    assert kept(fake, run)[TRAIN] == lineal.profile(FRAME)


def test_a_large_table_says_how_to_ask(fake, warnings, monkeypatch):
    monkeypatch.setattr("lineal._dataset_profiles.MOST_CELLS", 399)

    with lineal.start_run("churn") as run:
        recorded = run.use_dataset("train", FRAME)
        run.use_dataset("train", FRAME, profile=True)

    assert recorded == digest.frame(FRAME)
    assert len(warnings()) == 1
    assert "is recorded without a profile: it has 400 cells" in warnings()[0]
    assert list(kept(fake, run)) == [TRAIN]


def test_a_table_that_has_no_digest_may_have_a_profile(fake, warnings):
    """Nested columns have no canonical bytes, and counts none the less."""
    nested = pa.table({"x": [1.0, 2.0], "tags": [["a"], []]})
    reader = pa.RecordBatchReader.from_batches(nested.schema, nested.to_batches())

    with lineal.start_run("churn") as run:
        assert run.use_dataset("train", nested) is None
        assert run.use_dataset("later", reader, profile=True) is None

    assert kept(fake, run) == {
        TRAIN: lineal.profile(nested),
        "lineal/profiles/later.lineal-profile": lineal.profile(iter([nested])),
    }
    assert all("recorded without a digest" in told for told in warnings())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (object(), "without a profile: object is not a table"),
        ("absent.parquet", "without a profile: there is no file absent.parquet"),
        (pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]), "two columns are named 'x'"),
    ],
)
def test_what_cannot_be_profiled_is_told_and_the_use_is_recorded(fake, warnings, given, words):
    with lineal.start_run("churn") as run:
        run.use_dataset("train", given, profile=True)

    assert [use["name"] for use in fake.runs[run.id].inputs] == ["train"]
    assert fake.runs[run.id].artifacts == {}
    assert words in warnings()[-1]


def test_trouble_in_the_middle_of_a_stream_leaves_the_digest(fake, warnings, monkeypatch):
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())

    def fail(builder, block):
        raise MemoryError("no room")

    monkeypatch.setattr("lineal._profiles.tables.TableBuilder.add", fail)
    with lineal.start_run("churn") as run:
        assert run.use_dataset("train", reader, profile=True) == digest.frame(table)

    assert "without a profile: no room" in warnings()[0]


@pytest.mark.parametrize("given", [None, {"rows": 1}, 7])
def test_logging_what_is_no_profile_is_told(fake, warnings, given):
    with lineal.start_run("churn") as run:
        run.log_profile(given)
        run.log_profile(lineal.profile(FRAME), "/.")

    assert fake.runs[run.id].artifacts == {}
    assert all("log_profile recorded nothing" in told for told in warnings())
    assert len(warnings()) == 2
