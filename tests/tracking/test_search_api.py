"""Searching and counting runs over HTTP."""

import math
from datetime import UTC, timedelta
from functools import partial
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.codec import number
from tests.tracking.searching import Row, random_rows, save
from tracking.models import Run
from tracking.selectors.listed import told_time
from tracking.values import spell, unspell

EXACT_ID = UUID(int=7)
LIMITS = [n + step for n in (-(2**63), 2**63, 2**64, 10**19, -(10**19)) for step in (-1, 0, 1)]
EXACT = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, 123456789.12345679]
STEPS = ("count", "last_step", "min_step", "max_step")


@pytest.fixture
def post(api, alice, project):
    """`post("search", filter="…")`: Alice's answer from /runs/search."""
    return lambda what, **body: api(alice).post(f"runs/{what}?project={project.name}", json=body)


def test_a_page_leads_to_the_next(post, make_run, write):
    for loss in (0.3, 0.1, 0.2):
        write(make_run(name=f"r{loss}"), loss=[loss], params={"opt": "adam"})
    make_run(name="silent")

    asked = {"filter": "params.opt = 'adam'", "order_by": ["metrics.loss"], "limit": 2}
    first = post("search", **asked).json()
    second = post("search", **asked, cursor=first["next_cursor"]).json()

    assert [run["name"] for run in first["items"] + second["items"]] == ["r0.1", "r0.2", "r0.3"]
    assert second["next_cursor"] is None
    assert post("count", filter="params.opt = 'adam'").json() == {"count": 3}
    assert post("count").json() == {"count": 4}


@pytest.mark.parametrize("what", ["search", "count"])
def test_a_mistake_comes_back_with_its_place(post, what):
    answer = post(what, filter="metrics.loss <> 'low'")

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "/problems/invalid-filter"
    assert problem["position"] == 17
    assert problem["errors"][0]["field"] == "filter"
    assert "metrics are numbers" in problem["detail"]


def test_mallory_finds_neither_runs_nor_their_number(api, mallory, project, make_run):
    make_run()

    for what in ("search", "count"):
        assert api(mallory).post(f"runs/{what}?project={project.name}", json={}).status_code == 404


def test_what_is_told_of_runs_is_what_was_logged(post, project):
    """Rows go into the answer without an object between, and nothing may be lost on that way: no NaN, no infinity, no digit."""
    rows = save(project, [*random_rows(11), Row({"id": EXACT_ID, "name": "exact"}, metrics={"loss": EXACT})])

    told = {run["id"]: run for run in post("search", limit=1_000).json()["items"]}

    assert len(told) == len(rows)
    for row in rows:
        run, of_the_orm = told[row.attributes["id"].hex], Run.objects.get(uuid=row.attributes["id"])
        for name in ("created_at", "ended_at", "client_started_at"):
            moment = getattr(of_the_orm, name)
            assert run[name] == (clock.text(moment) if moment else None)
        for name in ("name", "description", "status", "lifecycle", "sealed", "host"):
            assert run[name] == getattr(of_the_orm, name)
        assert run["parent"] == (of_the_orm.parent.uuid.hex if of_the_orm.parent else None)
        assert run["params"] == {key: as_told(value) for key, value in row.params.items()}
        assert run["tags"] == row.tags
        assert run["metrics"].keys() == row.metrics.keys()
        for key, metric in run["metrics"].items():
            summary = row.summary(key)
            assert metric["last"] == number(math.nan if summary.last is None else summary.last)
            assert (metric["min"], metric["max"]) == (number(summary.min), number(summary.max))
            assert type(metric["last"]) is type(number(math.nan if summary.last is None else summary.last))
            assert [metric[name] for name in STEPS] == [getattr(summary, name) for name in STEPS]
        assert [(use["name"], use["digest"], use["context"]) for use in run["inputs"]] == row.datasets


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["NaN", "Infinity", "null", "1e5", '"', "\\", "\x7f", "\u2028", "{}"]
)
SCALARS = WORDS | st.integers() | st.sampled_from(LIMITS) | st.floats() | st.booleans() | st.none()


def test_params_and_tags_are_told_as_they_were_logged(post, project):
    """The database writes them as JSON: whatever the text, and numbers as those that `unspell` reads."""
    number = count()

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.dictionaries(WORDS.filter(bool), SCALARS, max_size=20), st.dictionaries(WORDS.filter(bool), WORDS))
    def agree(params, tags):
        id_ = UUID(int=next(number))
        save(project, [Row({"id": id_, "name": "r"}, params=params, tags=tags)])
        [told] = post("search", filter=f"id = '{id_.hex}'").json()["items"]

        assert told["params"] == {key: as_told(value) for key, value in params.items()}
        assert [type(told["params"][key]) for key in params] == [type(as_told(value)) for value in params.values()]
        assert told["tags"] == tags

    agree()


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.datetimes(), st.integers(0, 6))
def test_a_time_is_told_as_the_clock_writes_it(moment, decimals):
    """SQLite keeps none of a second's decimals or all six, PostgreSQL as many as are needed, and any zone a session may have."""
    moment = moment.replace(microsecond=moment.microsecond // 10**decimals * 10**decimals)
    expected = clock.text(moment.replace(tzinfo=UTC))
    short = moment.isoformat(" ").rstrip("0") if moment.microsecond else moment.isoformat(" ")

    assert told_time(moment.isoformat(" ")) == expected
    assert told_time(f"{short}+00") == expected
    if 1 < moment.year < 9999:
        assert told_time((moment + timedelta(hours=5, minutes=30)).isoformat(" ") + "+05:30") == expected


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"data": b'{"limit": 1}', "content_type": "application/json"}, id="JSON"),
        pytest.param({"data": b"", "content_type": "application/json"}, id="nothing"),
        pytest.param({"data": b"", "content_type": "text/csv"}, id="nothing, and no JSON"),
        pytest.param({"data": b"{}", "content_type": "application/json; charset=utf-8"}, id="a charset"),
        pytest.param({"data": b"{}", "content_type": "text/csv"}, id="no JSON"),
        pytest.param({"data": b"{}", "content_type": ""}, id="untyped"),
        pytest.param({"data": b"{", "content_type": "application/json"}, id="broken"),
        pytest.param({"data": b"[]", "content_type": "application/json"}, id="a list"),
        pytest.param({"data": b'{"limit": 0, "wish": 1}', "content_type": "application/json"}, id="unknown"),
        pytest.param({"data": b'{"limit": "many"}', "content_type": "application/json"}, id="a wrong type"),
        pytest.param(
            {"data": b'{"filter": "metrics.loss <"}', "content_type": "application/json"}, id="a wrong filter"
        ),
        pytest.param({"data": b'{"columns": ["loss"]}', "content_type": "application/json"}, id="a wrong column"),
    ],
)
def test_both_ways_in_answer_alike(api, alice, project, make_run, write, monkeypatch, sent):
    """Callers with a token are answered past the framework, which is the way of a page's own requests; nobody can tell."""
    write(make_run(name="one"), loss=[0.5], params={"opt": "adam"})
    ask = partial(api(alice).post, f"runs/search?project={project.name}", **sent)

    quick = ask()
    monkeypatch.setattr("tracking.api.search.SearchRuns.hot", {})
    usual = ask()

    assert quick.status_code == usual.status_code
    assert quick.headers["Content-Type"] == usual.headers["Content-Type"]
    ours, theirs = quick.json(), usual.json()
    assert (ours.pop("request_id", None) is None) == (theirs.pop("request_id", None) is None)
    assert ours == theirs


def as_told(value):
    stored = spell(value)
    return unspell(stored.text, stored.kind)
