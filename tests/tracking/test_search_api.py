"""Searching and counting runs over HTTP."""

import pytest


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
