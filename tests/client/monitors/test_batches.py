"""Whatever holds rows is observed alike, and one wrong row costs one row."""

from datetime import UTC, datetime

import lineal
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

ROWS = [{"age": 31, "city": "Ulm"}, {"age": 45, "city": "Bonn"}, {"age": None, "city": "Kiel"}]
FRAME = pd.DataFrame({"age": [31.0, 45.0, None], "city": ["Ulm", "Bonn", "Kiel"]})


@pytest.fixture
def fraud(production):
    baseline = lineal.profile(pd.concat([FRAME] * 30), key=b"k" * 16)
    return production.serve(reference=baseline.reference())


def observed(fraud, *calls, **options):
    """The monitor after it has been closed; each call is a dict of arguments."""
    with lineal.monitor("fraud@production", **options) as monitor:
        for call in calls:
            monitor.observe(**call)
    return monitor


@pytest.mark.parametrize(
    "batches",
    [
        ROWS,
        [ROWS],
        [tuple(ROWS)],
        [FRAME],
        [pl.DataFrame(ROWS)],
        [pl.DataFrame(ROWS).lazy()],
        [pa.Table.from_pylist(ROWS)],
        [pa.RecordBatch.from_pylist(ROWS)],
        [pa.Table.from_pylist(ROWS).to_reader()],
        [{"age": [31, 45, None], "city": ["Ulm", "Bonn", "Kiel"]}],
        [{"age": np.array([31, 45, np.nan]), "city": pd.Series(["Ulm", "Bonn", "Kiel"])}],
        [FRAME.to_records(index=False)],
        [ROWS[0], FRAME[1:2], pl.DataFrame(ROWS[2:])],
    ],
    ids=lambda batches: f"{len(batches)} {type(batches[0]).__name__}",
)
def test_every_sort_of_batch_tells_the_same(fraud, batches, warnings):
    monitor = observed(fraud, *({"batch": batch, "predictions": ["yes"] * _rows(batch)} for batch in batches))

    found = fraud.whole
    age = found.columns["age"]
    assert (found.rows, age.n, age.missing, age.mean) == (3, 3, 1, 38.0)
    assert found.to_json()["columns"]["city"]["values"]["items"] == [["Bonn", 1], ["Kiel", 1], ["Ulm", 1]]
    assert found.performance.predicted == 3
    assert monitor.stats().observed == 3
    assert len(fraud.parts) == 1
    assert warnings() == []


def _rows(batch):
    if isinstance(batch, dict):
        return 1 if isinstance(batch["age"], int | None) else 3
    return 3 if not hasattr(batch, "__len__") else len(batch)


def test_numbers_without_names_are_columns_by_place(fraud):
    observed(fraud, {"batch": np.arange(6.0).reshape(3, 2)}, {"batch": np.arange(4.0).reshape(2, 2)})

    assert fraud.whole.rows == 5
    assert fraud.whole.columns["1"].max == 5.0


def test_a_single_row_takes_single_values(fraud):
    observed(
        fraud,
        {"batch": ROWS[0], "predictions": "yes", "labels": "no", "scores": {"yes": 0.75, "no": 0.25}},
        {"batch": ROWS[1], "predictions": ["no"], "labels": None, "scores": {"yes": [0.25], "no": [0.75]}},
        {
            "batch": ROWS[1],
            "predictions": np.str_("no"),
            "labels": np.array("no"),
            "scores": {"yes": np.float64(0.25), "no": 1},
        },
    )

    found = fraud.whole.performance
    assert (found.predicted, found.labelled, found.classes) == (3, 2, ("no", "yes"))
    assert found.confusion.tolist() == [[1, 1], [0, 0]]


def test_scores_of_one_row_without_names_are_those_of_classes_by_number(fraud):
    observed(
        fraud,
        {"batch": ROWS[0], "predictions": 2, "labels": 2, "scores": [0.1, 0.2, 0.7]},
        {"batch": ROWS[0], "predictions": 0, "labels": 0, "scores": np.array([[0.8, 0.1, 0.1]])},
    )

    found = fraud.whole.performance
    assert found.scored == 2
    assert set(found.scores) == {"0", "1", "2"}
    assert found.log_loss == pytest.approx(-np.log(0.7) - np.log(0.8))


def test_columns_of_the_batch_are_named(fraud):
    observed(
        fraud,
        {
            "batch": FRAME.assign(said=[1, 0, 1], p=[0.9, 0.1, 0.8], came=[1, None, None]),
            "predictions": "said",
            "scores": "p",
            "labels": "came",
        },
        {"batch": {"age": 3, "said": 0}, "predictions": "said"},
    )

    found = fraud.whole
    assert found.columns["said"].role == "prediction"
    assert (found.performance.predicted, found.performance.labelled) == (4, 1)


def test_a_text_that_is_no_column_of_the_row_is_the_prediction(fraud):
    observed(fraud, {"batch": ROWS[0], "predictions": "decline"}, {"batch": ROWS[0], "predictions": "accept"})

    assert fraud.whole.performance.classes == ("accept", "decline")


def test_rows_whose_values_are_of_several_types_are_all_profiled(fraud, warnings):
    """A payload that has a number here and a text there: no row is lost, and the column says that it is mixed."""
    rows = [{"age": at, "zip": str(at) if at % 3 else at} for at in range(300)]

    monitor = observed(fraud, *({"batch": row} for row in rows))

    assert fraud.whole.rows == 300
    assert fraud.whole.columns["zip"].type == "other"
    assert fraud.whole.columns["age"].n == 300
    assert monitor.stats().unreadable == 0
    assert warnings() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch": {"age": 2**70, "city": "Ulm"}},
        {"batch": ROWS[0], "scores": 1.5, "predictions": 1},
        {"batch": ROWS[0], "predictions": [1, 2]},
        {"batch": ROWS[0], "at": "next week"},
        {"batch": ROWS[0], "at": datetime(2026, 1, 1)},
        {"batch": ROWS[0], "at": datetime(2096, 1, 1, tzinfo=UTC)},
        {"batch": ROWS[0], "at": 1_700_000_000_000},
        {"batch": ROWS[0], "at": float("nan")},
        {"batch": FRAME[:1], "at": "when"},
        {"batch": FRAME[:1], "at": [datetime(2026, 1, 1)]},
        {"batch": FRAME[:1], "at": [None]},
        {"batch": FRAME[:1], "predictions": "no such column"},
        {"batch": FRAME[:1], "labels": [1, 2]},
        {"batch": ROWS[0], "embeddings": {"text": ["a", "b"]}},
        {"batch": "rows.parquet"},
        {"batch": iter([FRAME])},
        {"batch": [ROWS[0], "a row"]},
        {"batch": 7},
        {"batch": None},
    ],
    ids=lambda wrong: f"{type(wrong['batch']).__name__} {','.join(sorted(wrong))}",
)
def test_what_cannot_be_read_is_told_counted_and_costs_no_other_row(fraud, warnings, wrong):
    fine = [{"batch": row} for row in ROWS] * 20

    monitor = observed(fraud, *fine[:30], wrong, *fine[30:])

    assert fraud.whole.rows == 60
    assert monitor.stats().unreadable == 1
    assert len([sentence for sentence in warnings() if "leaves 1 rows out" in sentence]) == 1


def test_millions_of_wrong_rows_are_given_up_without_a_look_at_each(fraud, warnings):
    monitor = observed(fraud, *({"batch": {"n": at}, "predictions": 1, "scores": 2.0} for at in range(5_000)))

    assert fraud.parts == {}
    assert monitor.stats().unreadable == 5_000
    assert len(warnings()) == 1


def test_numbers_among_classes_are_refused_with_a_word_on_task(fraud, warnings):
    """Whole numbers look like classes: a part of them and a part of others would not merge."""
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe({"n": 1}, predictions=3.0)
        monitor.flush()
        monitor.observe({"n": 1}, predictions=3.5)

    assert fraud.whole.rows == 1
    assert monitor.stats().unreadable == 1
    assert any("task='regression'" in sentence for sentence in warnings())


@pytest.mark.parametrize("told", ["task", "label", "prediction"])
def test_whether_numbers_are_predicted_is_told_or_seen_in_the_baseline(production, told):
    train = pd.DataFrame({"x": np.arange(500.0), "y": np.arange(500.0) / 7})
    baseline = {
        "task": lineal.profile(train[["x"]]),
        "label": lineal.profile(train, label_column="y"),
        "prediction": lineal.profile(train[["x"]], predictions=train["y"].to_numpy()),
    }[told]
    fraud = production.serve(reference=baseline.reference())

    with lineal.monitor("fraud@production", task="regression" if told == "task" else None) as monitor:
        monitor.observe({"x": 1.0}, predictions=3.0)
        monitor.flush()
        monitor.observe({"x": 1.0}, predictions=3.5, labels=4.0)

    assert (fraud.whole.performance.kind, fraud.whole.performance.labelled) == ("regression", 1)
