"""How the databases answer: by indexes, in one pass, and quickly on what is meant to be slow."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tracking.searching import IDS, Row, save
from tracking.search import count_runs, search_runs


@pytest.fixture
def explain(project):
    """`explain(filter="…")`: the plan of each query of that search, in SQLite's words."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite says its plan in advance; PostgreSQL's depends on what is stored")

    def explain(**options):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            search_runs(project=project, **options)
        plans = []
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].replace("%", "%%"))
                plans.append("\n".join(row[3] for row in cursor.fetchall()))
        return plans

    return explain


@pytest.fixture
def few_runs(project):
    return save(
        project,
        [
            Row({"id": IDS[n], "name": f"r{n}"}, metrics={"loss": [n / 4]}, params={"lr": n / 8, "opt": "adam"})
            for n in range(4)
        ],
    )


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("metrics.loss < 0.5", "tracking_series_last (experiment_id=? AND key=? AND last>? AND last<?)"),
        ("metrics.loss BETWEEN 0 AND 1", "tracking_series_last (experiment_id=? AND key=? AND last>? AND last<?)"),
        ("params.lr > 0.1", "tracking_param_number (experiment_id=? AND key=? AND number>?)"),
        ("params.opt = 'adam'", "tracking_param_text (experiment_id=? AND key=? AND head=?)"),
        ("tags.team IN ('a', 'b')", "tracking_tag_text (experiment_id=? AND key=? AND head=?)"),
        ("status = 'running'", "tracking_run_status_of (experiment_id=? AND status=?)"),
        ("host = 'node-1'", "tracking_run_host (experiment_id=? AND host=?)"),
        ("created_by IN ('alice')", "tracking_run_creator (experiment_id=? AND created_by=?)"),
        ("name = 'r1'", "tracking_run_name (experiment_id=? AND name=?)"),
    ],
)
def test_a_comparison_is_looked_up_in_a_covering_index(few_runs, explain, text, index):
    plans = explain(filter=text)

    assert any(f"COVERING INDEX {index}" in plan for plan in plans), plans


@pytest.mark.parametrize(
    ("key", "index"), [("metrics.loss", "tracking_series_last"), ("params.lr", "tracking_param_number")]
)
def test_a_page_in_the_order_of_a_value_is_read_off_its_index(few_runs, explain, monkeypatch, key, index):
    """Where many runs pass there is nothing to sort: reading stops when the page is full."""
    monkeypatch.setattr("tracking.search.selection.FEW", 0)

    plans = explain(filter="metrics.loss >= 0 AND params.opt = 'adam'", order_by=[f"{key} DESC"], limit=3)

    assert any(f"INDEX {index} (experiment_id=? AND key=?" in plan.splitlines()[0] for plan in plans), plans
    assert not any("TEMP B-TREE" in plan for plan in plans), plans


@pytest.mark.parametrize(
    ("key", "span"), [("metrics.loss", "last>? AND last<?"), ("params.lr", "number>? AND number<?")]
)
def test_a_filter_on_what_orders_the_page_is_a_range_of_its_index(few_runs, explain, monkeypatch, key, span):
    """In the other direction all that the filter leaves out would be read before the first run that passes."""
    monkeypatch.setattr("tracking.search.selection.FEW", 0)

    plans = explain(filter=f"0.1 < {key} < 0.6 AND params.opt = 'adam'", order_by=[key])

    [page] = [
        plan for plan in plans if "tracking_run" in plan and "q0" not in plan
    ]  # and none for runs without the key
    assert span in page.splitlines()[0], plans


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("params.opt = 'adam'", "tracking_param_text (experiment_id=? AND key=? AND head=? AND run_id=?)"),
        ("params.lr = 0.125", "tracking_param_number (experiment_id=? AND key=? AND number=? AND run_id=?)"),
        ("NOT tags.team = 'core'", "tracking_tag_text (experiment_id=? AND key=? AND head=? AND run_id=?)"),
        ("NOT params.opt = 'sgd'", "tracking_param_text (experiment_id=? AND key=? AND head=? AND run_id=?)"),
    ],
)
@pytest.mark.parametrize("order", [[], ["metrics.loss"]])
def test_runs_are_tested_for_an_equal_value_in_its_index_alone(few_runs, explain, monkeypatch, text, index, order):
    """SQLite would take the primary key by itself, and look into the table for each run."""
    monkeypatch.setattr("tracking.search.selection.FEW", 0)

    plans = explain(filter=text, order_by=order)

    assert any(f"COVERING INDEX {index}" in plan for plan in plans), plans


def test_few_runs_are_sorted_in_one_statement_with_those_that_lack_the_key(few_runs, explain):
    plans = explain(filter="params.opt = 'adam'", order_by=["metrics.f1", "params.lr DESC"])

    assert len([plan for plan in plans if "USE TEMP B-TREE FOR ORDER BY" in plan and "tracking_run" in plan]) == 1, (
        plans
    )


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite takes the primary key for this")
def test_an_equal_value_of_a_run_is_found_in_its_index_alone(project, few_runs, monkeypatch):
    """Of the runs that are tested in order of the page, each would cost a look into the table as well."""
    monkeypatch.setattr("tracking.search.selection.FEW", 0)
    with CaptureQueriesContext(connection) as queries:
        search_runs(project=project, filter="params.opt = 'adam'", order_by=["metrics.loss"])
    [asked] = [query["sql"] for query in queries if "OFFSET 0" in query["sql"] and "key_0" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + asked.replace("%", "%%"))
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Only Scan using tracking_param_text" in plan or "Index Scan using tracking_param_text" in plan, plan


@pytest.mark.parametrize("order", [[], ["metrics.loss DESC"], ["params.lr DESC"]])
def test_runs_of_several_experiments_are_merged_in_their_order(project, explain, monkeypatch, order):
    """An index is in order within one experiment: asked for both at once, all that pass would have to be sorted."""
    places = ["churn", "fraud"] * 3
    rows = [
        Row({"id": IDS[n], "name": f"r{n}", "experiment": place}, metrics={"loss": [n]}, params={"lr": n})
        for n, place in enumerate(places)
    ]
    save(project, rows)
    monkeypatch.setattr("tracking.search.selection.FEW", 0)

    plans = explain(filter="metrics.loss >= 0", order_by=order, limit=3)

    merging = [plan for plan in plans if "MERGE (UNION ALL)" in plan]
    assert len(merging) == 1, plans
    assert "TEMP B-TREE" not in merging[0]
    assert [run.name for run in search_runs(project=project, order_by=order, limit=3).items] == ["r5", "r4", "r3"]


def test_the_newest_runs_are_read_off_the_index_of_their_experiment(few_runs, explain):
    plans = explain(filter="NOT metrics.loss > 5", experiments=["churn"])

    assert any("tracking_run_list (experiment_id=? AND lifecycle=?)" in plan for plan in plans), plans
    assert not any("TEMP B-TREE" in plan for plan in plans), plans


@pytest.mark.parametrize("pattern", ["%a" * 99 + "%b", "%_" * 99 + "b", "%aA" * 60 + "b", "a%" * 99 + "b%"])
@pytest.mark.parametrize("word", ["LIKE", "ILIKE"])
def test_no_pattern_takes_long(project, pattern, word):
    """Matching by trying every way to stretch each % would take longer than anyone lives."""
    save(project, [Row({"id": IDS[0], "name": "r"}, tags={"t": "a" * 8_000})])
    began = time.perf_counter()

    assert count_runs(project=project, filter=f"tags.t {word} '{pattern}'") == 0

    assert time.perf_counter() - began < 2


def test_the_largest_filter_is_answered(project, few_runs):
    """SQL has limits of its own, on depth and on the number of values; ours lie below."""
    wide = " or ".join(f"params.lr in ({','.join(['1'] * 40)})" for _ in range(90))
    deep = "not (" * 14 + "metrics.loss > 0 and (" * 1 + "params.opt = 'adam'" + ")" * 15

    assert count_runs(project=project, filter=wide) == 0
    assert count_runs(project=project, filter=deep) == 3
    everything = " and ".join(["(metrics.loss >= 0 or tags.a = 'b')"] * 50)
    assert count_runs(project=project, filter=everything) == 4


@pytest.mark.parametrize(
    "text", ["0.2 < metrics.loss < 0.3", "metrics.loss > 0.2 AND params.opt = 'adam' AND metrics.loss < 0.3"]
)
def test_a_range_of_one_value_is_one_look_up(few_runs, project, text):
    """Most runs are above its low end and most below its high end: neither alone tells that hardly any is between."""
    with CaptureQueriesContext(connection) as queries:
        found = search_runs(project=project, filter=text, order_by=["metrics.loss"]).items

    assert [run.name for run in found] == ["r1"]
    [counting] = [query["sql"] for query in queries if "count(*)" in query["sql"]]
    assert "0.2" in counting.split("LIMIT")[0]
    assert "0.3" in counting.split("LIMIT")[0]
