"""Runs as a file: the same cells in CSV, JSON and Parquet, all that a search finds, and no formula in a spreadsheet."""

import csv
import io
import math

import pytest

from tests.web.story import EVIL, new_run
from tracking import exports

pytestmark = pytest.mark.django_db

COLUMNS = 'metrics.auc,min(metrics.auc),count(metrics.auc),params.lr,params."=evil",status,created_at,duration'


@pytest.fixture
def runs(project, alice):
    made = [
        new_run(
            project, alice, name=f"trial-{n}", metrics={"auc": [n / 2, n / 4]}, params={"lr": 0.5 * n, "=evil": "=1+1"}
        )
        for n in range(5)
    ]
    return [*made, new_run(project, alice, name="bare", metrics={"auc": [math.nan]})]


def body(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))


def test_a_csv_holds_the_columns_by_name_in_order(api, alice, runs):
    rows = rows_of(api(alice).get(f"runs/export?columns={COLUMNS}&order_by=metrics.auc DESC"))

    assert [row["name"] for row in rows] == ["trial-4", "trial-3", "trial-2", "trial-1", "trial-0", "bare"]
    assert rows[0]["metrics.auc"] == "1.0"
    assert rows[0]["min(metrics.auc)"] == "1.0"
    assert rows[0]["count(metrics.auc)"] == "2"
    assert rows[0]["params.lr"] == "2.0"
    assert rows[-1]["metrics.auc"] == "NaN"
    assert rows[-1]["params.lr"] == ""


def test_no_cell_is_a_formula(api, alice, project, runs):
    new_run(project, alice, name="@SUM(A1)", params={"lr": -0.5})
    rows = rows_of(api(alice).get(f"runs/export?columns={COLUMNS}"))

    assert rows[0]["name"] == "'@SUM(A1)"
    assert rows[0]["params.lr"] == "-0.5"
    assert rows[-1]['params."=evil"'] == "'=1+1"


def test_json_holds_the_same_and_leaves_out_what_is_missing(api, alice, runs):
    import orjson

    told = orjson.loads(body(api(alice).get(f"runs/export?format=json&columns={COLUMNS}&filter=name = 'bare'")))

    assert len(told) == 1
    assert told[0]["metrics.auc"] == "NaN"
    assert told[0]["status"] == "finished"
    assert "params.lr" not in told[0]


def test_parquet_holds_the_same_with_types(api, alice, runs):
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(body(api(alice).get(f"runs/export?format=parquet&columns={COLUMNS}"))))

    assert table.num_rows == 6
    assert str(table.schema.field("metrics.auc").type) == "double"
    assert str(table.schema.field("count(metrics.auc)").type) == "int64"
    assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    assert table.column("params.lr").to_pylist() == [None, "2.0", "1.5", "1.0", "0.5", "0.0"]
    assert math.isnan(table.column("metrics.auc").to_pylist()[0])


def test_without_columns_all_that_was_logged_is_in_it(api, alice, runs):
    [first, *_] = rows_of(api(alice).get("runs/export"))

    assert {"id", "name", "experiment", "status", "metrics.auc", "params.lr", 'params."=evil"'} <= set(first)


def test_a_file_is_written_page_by_page(api, alice, runs, monkeypatch):
    """Whatever the range, no more runs than a page are in memory."""
    monkeypatch.setattr(exports, "PAGE", 2)
    rows = rows_of(api(alice).get("runs/export?columns=status"))

    assert [row["name"] for row in rows] == ["bare", *(f"trial-{n}" for n in (4, 3, 2, 1, 0))]


def test_more_than_a_file_holds_is_refused_with_the_number(api, alice, runs, monkeypatch):
    monkeypatch.setattr(exports, "EXPORTED_RUNS", 3)
    answer = api(alice).get("runs/export")

    assert answer.status_code == 422
    assert "6 runs were found" in answer.json()["detail"]


def test_a_server_without_pyarrow_says_what_to_install(api, alice, runs, monkeypatch):
    monkeypatch.setattr(exports, "parquet_is_there", lambda: False)
    answer = api(alice).get("runs/export?format=parquet")

    assert answer.status_code == 422
    assert "pip install" in answer.json()["detail"]


@pytest.mark.parametrize("columns", ["metrics.", "min(metrics.)", "params.", "tags.", 'metrics."abc', "metrics.``"])
def test_a_column_without_a_key_is_refused(api, alice, runs, columns):
    answer = api(alice).get("runs/export", data={"columns": columns})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-columns")
    assert "the key is empty" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["filter=metrics.auc >", "columns=sideways", "format=xlsx", "order_by=("])
def test_what_cannot_be_read_is_refused_before_the_file_begins(api, alice, runs, query):
    assert api(alice).get(f"runs/export?{query}").status_code == 422


def test_an_empty_range_is_a_file_without_rows(api, alice, runs):
    assert rows_of(api(alice).get("runs/export?filter=name = 'nobody'")) == []
    assert body(api(alice).get("runs/export?format=json&filter=name = 'nobody'")) == b"[\n]\n"


def test_names_of_any_script_survive(api, alice, project):
    name = f"{EVIL} \u202eשלום 😀"
    new_run(project, alice, name=name)

    assert rows_of(api(alice).get("runs/export?columns=status"))[0]["name"] == name


def test_a_stranger_gets_no_file(api, mallory, runs):
    assert api(mallory).get("runs/export").status_code == 404
