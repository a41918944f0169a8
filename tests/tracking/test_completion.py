"""Completion of a filter: what the parser would take next, of the keys and values that were logged."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.story import new_run
from tracking.search.completion import complete

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(project, alice):
    for number, opt in enumerate(("adam", "adamw", "it's")):
        new_run(
            project,
            alice,
            experiment=f"gbm-{number % 2}",
            metrics={"loss": [1.0], "val/loss": [1.0], "my key": [1.0]},
            params={"opt": opt, "lr": number},
        )


def offered(project, text, **more):
    return [item.text for item in complete(project=project, text=text, **more).items]


def completed(project, text):
    """What stands in the box once the first suggestion is taken."""
    found = complete(project=project, text=text)
    return text[: found.begin] + found.items[0].text


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("los", "metrics.loss"),
        ("metrics.lo", "metrics.loss"),
        ("metrics.LO", "metrics.loss"),
        ("metric.lo", "metrics.loss"),
        ("metrics.my", 'metrics."my key"'),
        ('metrics."my', 'metrics."my key"'),
        ("metrics.loss < 1 and par", "metrics.loss < 1 and params."),
        ("metrics.loss < 1 a", "metrics.loss < 1 AND "),
        ("stat", "status"),
        ("status = ", "status = 'running'"),
        ("status = 'fin", "status = 'finished'"),
        ("params.opt = ", "params.opt = 'adam'"),
        ("params.opt = 'adamw", "params.opt = 'adamw'"),
        ("params.opt = 'it", r"params.opt = 'it\'s'"),
        ("params.opt IN ('adam', 'adamw", "params.opt IN ('adam', 'adamw'"),
        ("params.opt LIKE 'ad", "params.opt LIKE 'adam'"),
        ("metrics.loss ", "metrics.loss ="),
        ("(metrics.lo", "(metrics.loss"),
        ("max(metrics.lo", "max(metrics.loss"),
        ("NOT params.o", "NOT params.opt"),
    ],
)
def test_the_first_suggestion_goes_on_with_what_was_written(project, runs, text, taken):
    assert completed(project, text) == taken


@pytest.mark.parametrize(
    "text",
    ["metrics.loss < 'x' y", "))", "metrics.loss < 1 metrics.", "params.opt = 'nothing like it", "\0", "x" * 10_001],
)
def test_what_cannot_be_gone_on_with_gets_no_suggestion(project, runs, text):
    assert offered(project, text) == []


def test_an_experiment_narrows_the_keys(project, runs, alice):
    new_run(project, alice, experiment="other", metrics={"gini": [1.0]})

    assert offered(project, "metrics.g", experiment="other") == ["metrics.gini"]
    assert offered(project, "metrics.g", experiment="gbm-0") == []


def test_it_costs_four_queries_whatever_there_is(project, runs):
    """One for the experiments, one for each kind of keys."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        complete(project=project, text="o")

    read = [query["sql"] for query in asked if "FROM" in query["sql"]]
    assert len([sql for sql in read if "WITH RECURSIVE" in sql]) == 3
    assert len(read) == 4


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's plan follows its statistics")
def test_it_reads_of_an_index_what_there_are_keys_and_not_runs(project, runs):
    with CaptureQueriesContext(connection) as asked:
        complete(project=project, text="metrics.l")
    [sql] = [query["sql"] for query in asked if "WITH RECURSIVE" in query["sql"]]

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())

    assert "SEARCH t USING COVERING INDEX tracking_series_last" in plan
    assert "SCAN t" not in plan


def test_over_the_wire_it_says_from_where_it_replaces(api, alice, runs):
    answer = api(alice).get("runs/completions?q=status = 'fin")

    assert answer.json() == {"begin": 9, "items": [{"text": "'finished'", "kind": "value"}]}


def test_a_stranger_is_offered_nothing(api, mallory, runs):
    assert api(mallory).get("runs/completions?q=metrics.").status_code == 404


def test_keys_of_another_project_are_not_offered(api, alice_account, make_project, principal, runs):
    make_project("fraud", admin=alice_account)

    answer = api(principal(alice_account)).get("runs/completions?q=metrics.&project=fraud")

    assert answer.json()["items"] == []
