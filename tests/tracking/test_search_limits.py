"""What a search may not ask, and what is said then: too many runs for one step, pages too far down, too much time."""

import math

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import Invalid
from tests.tracking.searching import IDS, START, Row, save
from tracking.metrics import codec
from tracking.search import InvalidFilter, count_runs, search_runs
from tracking.search.errors import SearchTooSlow, SearchTooWide
from tracking.services.chunks import compact_run


@pytest.fixture
def five_runs(project):
    """r0 to r4, oldest first; the metric `loss` of each has values of steps 0 and 1, `lr` is its number."""
    rows = [
        Row({"id": IDS[n], "name": f"r{n}", "created_at": START}, metrics={"loss": [n, n / 2]}, params={"lr": n})
        for n in range(5)
    ]
    return save(project, rows)


def names(page):
    return [run.name for run in page.items]


def test_a_value_at_one_step_is_read_from_the_points(project, five_runs):
    assert names(search_runs(project=project, filter="metrics.loss@1 >= 1.5")) == ["r4", "r3"]
    assert names(search_runs(project=project, filter="NOT metrics.loss@1 >= 1.5")) == ["r2", "r1", "r0"]
    assert count_runs(project=project, filter="metrics.loss@2 IS NULL") == 5
    assert count_runs(project=project, filter="metrics.loss@0 = 3 OR metrics.loss@1 = 2") == 2


def test_the_latest_value_of_a_step_counts_wherever_it_is_kept(project, make_run, write):
    """Steps logged twice, across a worker's rewriting of batches into chunks."""
    run = make_run()
    write(run, steps=[0, 1, 1], loss=[1.0, 2.0, 3.0])
    compact_run(run_id=run.pk)
    write(run, steps=[0], loss=[7.0])

    def is_one(text):
        return count_runs(project=project, filter=text) == 1

    assert is_one("metrics.loss@0 = 7 AND metrics.loss@1 = 3")
    compact_run(run_id=run.pk)
    assert is_one("metrics.loss@0 = 7 AND metrics.loss@1 = 3")


def test_a_batch_is_decoded_once_whatever_is_asked_of_it(project, make_run, write, monkeypatch):
    """And not at all where it has nothing of what is asked."""
    write(make_run(), steps=[0, 1], loss=[1.0, 2.0], acc=[0.5, 0.6])
    other = make_run()
    write(other, steps=[0, 1], loss=[1.0, 2.0], acc=[0.5, 0.9])
    write(other, steps=[0, 1], rate=[1.0, 2.0])
    decoded, decode_all = [], codec.decode_all
    monkeypatch.setattr(codec, "decode_all", lambda chunks: decoded.extend(chunks) or decode_all(chunks))

    found = count_runs(project=project, filter="metrics.loss@0 = 1 AND metrics.loss@1 = 2 AND metrics.acc@1 > 0.7")

    assert found == 1
    assert len(decoded) == 2


def test_nan_at_a_step_has_nothing_to_compare(project):
    save(project, [Row({"id": IDS[0], "name": "r"}, metrics={"loss": [math.nan, 1.0]})])

    assert count_runs(project=project, filter="metrics.loss@0 = 1 OR metrics.loss@0 != 1") == 0
    assert count_runs(project=project, filter="metrics.loss@0 IS NAN AND metrics.loss@0 IS NOT NULL") == 1


def test_a_step_of_too_many_runs_is_refused_with_a_way_on(project, five_runs, monkeypatch):
    monkeypatch.setattr("tracking.search.steps.SEARCH_STEP_RUNS", 3)

    with pytest.raises(SearchTooWide, match=r"metrics\.loss@1 .* at most 3 runs.*add with AND"):
        search_runs(project=project, filter="metrics.loss@1 > 0")
    assert names(search_runs(project=project, filter="metrics.loss@1 > 0 AND params.lr < 3")) == ["r2", "r1"]


def test_points_not_yet_sorted_are_not_read_without_end(project, monkeypatch):
    save(project, [Row({"id": IDS[0], "name": "r"}, metrics={"loss": [1.0, 2.0, 3.0]})])
    monkeypatch.setattr("tracking.search.steps.SEARCH_STEP_POINTS", 2)

    with pytest.raises(SearchTooWide, match="3 points of these runs are not sorted"):
        search_runs(project=project, filter="metrics.loss@1 > 0")


def test_more_steps_than_five_are_refused(project, five_runs):
    text = " AND ".join(f"metrics.loss@{step} > 0" for step in range(6))

    with pytest.raises(InvalidFilter, match="at most 5 values"):
        search_runs(project=project, filter=text)


def test_offset_skips_as_many_runs_as_it_says(project, five_runs):
    page = search_runs(project=project, order_by=["params.lr"], offset=1, limit=2)
    after = search_runs(project=project, order_by=["params.lr"], cursor=page.next_cursor, offset=1, limit=2)

    assert names(page) == ["r1", "r2"]
    assert names(after) == ["r4"]
    assert after.next_cursor is None
    assert names(search_runs(project=project, offset=5)) == []


@pytest.mark.parametrize("offset", [-1, 10_001])
def test_a_page_too_far_down_is_refused_with_a_way_on(api, alice, project, offset):
    answer = api(alice).post(f"runs/search?project={project.name}", json={"offset": offset})

    assert answer.status_code == 422
    assert "0 to 10,000" in answer.json()["detail"]
    assert "next_cursor" in answer.json()["detail"]
    with pytest.raises(Invalid):
        search_runs(project=project, offset=offset)


def test_a_search_out_of_time_is_a_problem_that_says_what_to_ask_instead(api, alice, project, five_runs, monkeypatch):
    monkeypatch.setattr("tracking.search.runs.time_limit", _as_if_slow)

    for what in ("search", "count"):
        answer = api(alice).post(f"runs/{what}?project={project.name}", json={"filter": "metrics.loss > 0"})
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/search-too-slow"
        assert answer.json()["limit_s"] == 0.000001
        assert "name experiments" in answer.json()["detail"]
    monkeypatch.undo()
    assert api(alice).post(f"runs/count?project={project.name}", json={}).json() == {"count": 5}


def _as_if_slow(seconds, error, **options):
    from core.time_limits import time_limit

    return time_limit(0.000001, error, **options)


def test_all_that_a_user_writes_goes_to_the_database_as_parameters(project, five_runs):
    """A marker in every place of a filter shows up in no SQL text before parameters are put in."""
    mark = "zq9mark"
    text = (
        f"metrics.{mark} > 0 OR params.{mark} = '{mark}' OR tags.{mark} LIKE '%{mark}' OR datasets.digest = '{mark}' "
        f"OR name IN ('{mark}') OR '{mark}' < host < 'z{mark}' OR metrics.{mark}@3 = 1"
    )
    sent = []

    def record(execute, sql, params, many, context):
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        search_runs(project=project, filter=text, order_by=[f"metrics.{mark}", f"tags.{mark} DESC"])

    assert not [sql for sql, _ in sent if mark in sql]
    assert [params for _, params in sent if params and any(mark in str(each) for each in params)]


def test_steps_cost_the_same_queries_however_many_runs(project, five_runs):
    with CaptureQueriesContext(connection) as few:
        search_runs(project=project, filter="metrics.loss@1 >= 0 AND params.lr = 1")
    with CaptureQueriesContext(connection) as all_of_them:
        search_runs(project=project, filter="metrics.loss@1 >= 0 AND params.lr >= 0")

    assert len(few) == len(all_of_them)
    assert issubclass(SearchTooSlow, Invalid)


@pytest.mark.parametrize("what", ["series", "series/raw"])
def test_a_history_out_of_time_is_a_problem_too(api, alice, project, make_run, write, monkeypatch, what):
    run = make_run()
    write(run, loss=[1.0, 2.0])
    address = f"runs/{run.uuid.hex}/{what}?project={project.name}&key=loss"
    assert api(alice).get(address).status_code == 200
    monkeypatch.setattr("tracking.api.charts.time_limit", _as_if_slow)

    answer = api(alice).get(address)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/history-too-slow")
