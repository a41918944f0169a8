"""Comparing runs: what differs comes first, the best of each metric is marked, and the set stands in the address."""

import json
import math
import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.story import EVIL, new_run
from web.directions import is_named_low

pytestmark = pytest.mark.django_db

PAGE = "/projects/default/runs/compare"


@pytest.fixture
def runs(project, bob):
    return [
        new_run(
            project,
            bob,
            name=f"trial-{n}",
            metrics={"auc": [0.5, n / 10], "loss": [1.0, n / 10]},
            params={"lr": n, "seed": 1},
        )
        for n in (1, 2, 3)
    ]


def address(runs, **more):
    return f"{PAGE}?{urlencode({'runs': ','.join(run.uuid.hex for run in runs), **more}, doseq=True)}"


def html_of(answer):
    assert answer.status_code == 200, answer.content.decode()[-1500:]
    return answer.content.decode()


def section(html, name):
    return re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', html, re.DOTALL)[0]


def best_in(html, metric):
    """Which runs are marked in the row of a metric."""
    row = re.search(rf"<tr><th[^>]*><bdi>{re.escape(metric)}</bdi>.*?</tr>", section(html, "metrics"), re.DOTALL)[0]
    return re.findall(r'class="num best" data-label="([^"]+)"', row)


def drawn(html):
    return json.loads(unescape(re.search(r'id="compared-runs" data-told="([^"]*)"', html)[1]))


def test_params_that_differ_come_first_and_the_others_are_folded(browser, alice, runs):
    params = section(html_of(browser(alice).get(address(runs))), "params")
    table, folded = params.split("<details", 1)

    assert "<bdi>lr</bdi>" in table
    assert "<bdi>seed</bdi>" not in table
    assert "<bdi>seed</bdi>" in folded
    assert "1 the same in all" in folded


def test_the_best_of_a_metric_is_marked_and_can_be_turned_round(browser, alice, runs):
    visitor = browser(alice)
    html = html_of(visitor.get(address(runs)))
    assert best_in(html, "auc") == ["trial-3"]
    assert best_in(html, "loss") == ["trial-1"]

    turned = unescape(re.search(r'<bdi>auc</bdi> <a class="turn" href="([^"]+)"', html)[1])
    html = html_of(visitor.get(turned))
    assert best_in(html, "auc") == ["trial-1"]
    back = unescape(re.search(r'<bdi>auc</bdi> <a class="turn" href="([^"]+)"', html)[1])
    assert best_in(html_of(visitor.get(back)), "auc") == ["trial-3"]


def test_the_best_of_the_whole_history_may_be_another(browser, alice, runs):
    html = html_of(browser(alice).get(address(runs, stat="best")))

    assert best_in(html, "auc") == ["trial-1", "trial-2", "trial-3"]  # each began at 0.5


def test_nan_is_never_best_and_one_value_is_no_contest(browser, alice, project, bob, runs):
    odd = new_run(project, bob, name="odd", metrics={"auc": [math.nan], "alone": [1.0]})
    html = html_of(browser(alice).get(address([*runs, odd])))

    assert best_in(html, "auc") == ["trial-3"]
    assert best_in(html, "alone") == []
    assert "NaN" in section(html, "metrics")


@pytest.mark.parametrize("key", ["loss", "val/loss", "val_rmse", "wer", "train.mae", "test/error", "latency_ms", "MSE"])
def test_less_is_better_by_these_names(key):
    assert is_named_low(key)


@pytest.mark.parametrize("key", ["auc", "accuracy", "f1", "closs", "lossless", "reward", "maestro", "timeliness"])
def test_more_is_better_by_the_others(key):
    assert not is_named_low(key)


def test_a_run_is_added_by_name_or_id_and_taken_out_by_a_link(browser, alice, runs):
    visitor = browser(alice)
    by_name = html_of(visitor.get(address(runs[:1], add="trial-2")))
    by_id = html_of(visitor.get(address(runs[:2], add=runs[2].uuid.hex)))
    without = unescape(re.search(r'class="drop" href="([^"]+)"', by_id)[1])

    assert [run["name"] for run in drawn(by_name)["runs"]] == ["trial-1", "trial-2"]
    assert [run["name"] for run in drawn(by_id)["runs"]] == ["trial-1", "trial-2", "trial-3"]
    assert [run["name"] for run in drawn(html_of(visitor.get(without)))["runs"]] == ["trial-2", "trial-3"]


def test_a_run_that_is_none_is_explained_and_the_others_stay(browser, alice, runs):
    answer = browser(alice).get(address(runs, add="nobody"))

    assert answer.status_code == 404
    assert "No run of this project" in answer.content.decode()
    assert len(drawn(answer.content.decode())["runs"]) == 3


def test_htmx_gets_what_the_page_holds_and_the_address_of_the_set(browser, alice, runs):
    visitor = browser(alice)
    whole = visitor.get(address(runs))
    part = visitor.get(address(runs), **{"hx-request": "true"})
    added = visitor.get(address(runs[:2], add="trial-3"), **{"hx-request": "true"})

    assert part.content.strip() in whole.content
    assert b"<html" not in part.content
    assert added.headers["HX-Push-Url"] == address(runs)


def test_data_code_and_tags_are_compared(browser, alice, project, bob, runs):
    from tracking.services import tag_runs

    tag_runs(runs=runs[:1], key="team", value="risk")
    html = html_of(browser(alice).get(address(runs)))

    assert "<bdi>team</bdi>" in section(html, "tags")


def test_what_is_drawn_holds_numbers_where_all_are_and_words_where_not(browser, alice, project, bob):
    one = new_run(project, bob, metrics={"auc": [math.nan]}, params={"lr": 0.1, "opt": "adam"})
    two = new_run(project, bob, metrics={"auc": [0.5]}, params={"lr": "1e-3", "opt": "sgd"})
    axes = {axis["key"]: axis for axis in drawn(html_of(browser(alice).get(address([one, two]))))["axes"]}

    assert axes["lr"] | {"values": [0.1, 0.001], "numeric": True} == axes["lr"]
    assert axes["opt"]["values"] == ["adam", "sgd"]
    assert axes["auc"]["values"] == [None, 0.5]


def test_strange_names_stay_text(browser, alice, project, bob):
    strange = [
        new_run(project, bob, name=EVIL, metrics={EVIL: [1.0]}, params={EVIL: f"</script>{n}"}, experiment=EVIL)
        for n in (1, 2)
    ]
    html = html_of(browser(alice).get(address(strange)))

    assert EVIL not in html
    assert [run["name"] for run in drawn(html)["runs"]] == [EVIL, EVIL]


def test_no_runs_yet_and_one_run_say_what_to_do(browser, alice, runs):
    assert "Add two runs or more" in html_of(browser(alice).get(PAGE))
    assert "add another" in html_of(browser(alice).get(address(runs[:1])))


def test_more_runs_than_can_be_compared_are_refused(browser, alice):
    ids = ",".join(f"{n:032x}" for n in range(51))

    assert browser(alice).get(f"{PAGE}?runs={ids}").status_code == 422


@pytest.mark.parametrize("runs_given", ["zz", "0" * 32])
def test_ids_that_are_none_are_refused(browser, alice, project, runs_given):
    assert browser(alice).get(f"{PAGE}?runs={runs_given}").status_code in (404, 422)


def test_a_run_of_another_project_is_missing_here(browser, alice, alice_account, make_project, principal, bob, runs):
    elsewhere = make_project("fraud", admin=alice_account)
    me = principal(alice_account)
    theirs = new_run(elsewhere, me, name="theirs")

    assert browser(me).get(address([*runs, theirs])).status_code == 404


def test_it_costs_the_same_however_many_runs_are_compared(browser, alice, project, bob, runs):
    more = [new_run(project, bob, name=f"more-{n}", metrics={"auc": [0.1]}, params={"lr": n}) for n in range(12)]
    visitor = browser(alice)
    visitor.get(address(runs))
    with CaptureQueriesContext(connection) as few:
        visitor.get(address(runs))
    with CaptureQueriesContext(connection) as many:
        visitor.get(address([*runs, *more]))

    assert len(many) == len(few) <= 26
