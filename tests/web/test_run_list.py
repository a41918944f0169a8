"""The run list: the search language with its errors in place, sorting by column, and pages that keep the search."""

import re
from html import unescape

import pytest

from tests.web.story import EVIL, new_run

pytestmark = pytest.mark.django_db

LIST = "/projects/default/runs"


def column_link(answer, marked):
    """Where the last column head of that class leads."""
    heads = re.findall(r'<th[^>]*class="([^"]*)"[^>]*><a href="([^"]+)"', answer.content.decode())
    return [unescape(url) for classes, url in heads if marked in classes][-1]


def told(answer):
    """The page without its tokens, which are masked anew in each."""
    return re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", answer.content.decode())


@pytest.fixture
def sweep(project, bob):
    """Three runs with a metric and a param each."""
    return [
        new_run(project, bob, name=f"trial-{number}", metrics={"auc": [number / 10]}, params={"lr": number})
        for number in (1, 2, 3)
    ]


def names(answer):
    return re.findall(r'<a href="[^"]*/runs/\w+"[^>]*><bdi>(trial-\d+)', answer.content.decode())


def test_newest_runs_come_first_with_their_values(browser, alice, sweep):
    answer = browser(alice).get(LIST)

    assert names(answer) == ["trial-3", "trial-2", "trial-1"]
    assert "auc" in answer.content.decode()
    assert "0.3" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter=metrics.auc > 0.15", ["trial-3", "trial-2"]),
        ("filter=params.lr = 1", ["trial-1"]),
        ("order_by=metrics.auc ASC", ["trial-1", "trial-2", "trial-3"]),
        ("order_by=metrics.auc DESC", ["trial-3", "trial-2", "trial-1"]),
        ("experiment=gbm&filter=name LIKE 'trial-2'", ["trial-2"]),
    ],
)
def test_the_search_language_finds_and_orders(browser, alice, sweep, query, found):
    assert names(browser(alice).get(f"{LIST}?{query}")) == found


def test_a_filter_that_is_none_is_explained_in_place_and_kept(browser, alice, sweep):
    answer = browser(alice).get(f"{LIST}?filter=metrics.auc >")
    html = answer.content.decode()

    assert answer.status_code == 422
    assert "At character" in html
    assert 'value="metrics.auc &gt;"' in html


def test_htmx_gets_the_rows_alone(browser, alice, sweep, stopped_clock):
    whole = browser(alice).get(f"{LIST}?filter=params.lr = 1")
    part = browser(alice).get(f"{LIST}?filter=params.lr = 1", **{"hx-request": "true"})
    restored = browser(alice).get(LIST, **{"hx-request": "true", "hx-history-restore-request": "true"})

    assert told(part).strip() in told(whole)
    assert b"<html" not in part.content
    assert b"<html" in restored.content
    assert "HX-Request" in part.headers["Vary"]


def test_htmx_is_shown_what_is_wrong_with_a_filter(browser, alice, sweep):
    """htmx swaps in successful answers only, so the explanation comes as one."""
    answer = browser(alice).get(f"{LIST}?filter=(", **{"hx-request": "true"})

    assert answer.status_code == 200
    assert "At character" in answer.content.decode()


def test_a_search_by_htmx_after_the_session_has_ended_leads_to_the_sign_in(browser):
    answer = browser().get(LIST, **{"hx-request": "true"})

    assert answer.headers["HX-Redirect"].startswith("/login?next=")


def test_pages_follow_one_another_without_gap_and_keep_the_search(browser, alice, project, bob, monkeypatch):
    monkeypatch.setattr("web.views.runs.PAGE_SIZE", 2)
    for number in range(5):
        new_run(project, bob, name=f"trial-{number}", finish=False)
    visitor, seen = browser(alice), []
    path = f"{LIST}?filter=status = 'running'"
    while path:
        answer = visitor.get(path)
        seen += names(answer)
        link = re.search(r'class="button" href="(\?[^"]+)" rel="next">Next', answer.content.decode())
        path = LIST + link.group(1).replace("&amp;", "&") if link else ""

    assert seen == [f"trial-{number}" for number in (4, 3, 2, 1, 0)]


def test_columns_can_be_named_in_the_address(browser, alice, sweep):
    html = browser(alice).get(f"{LIST}?columns=params.lr").content.decode()

    assert re.findall(r'data-column="([^"]+)"', html) == ["name", "params.lr"]


def test_a_column_sorts_even_with_a_key_full_of_signs(browser, alice, project, bob):
    """The link quotes the key as the search language wants it."""
    for number, name in enumerate(("trial-1", "trial-2")):
        new_run(project, bob, name=name, metrics={EVIL: [float(number)]})
    visitor = browser(alice)
    link = column_link(visitor.get(LIST), "num")

    down = visitor.get(link)
    up = visitor.get(column_link(down, "num"))

    assert names(down) == ["trial-2", "trial-1"]
    assert names(up) == ["trial-1", "trial-2"]


def test_a_metric_that_ended_in_nan_says_so(browser, alice, project, bob):
    new_run(project, bob, name="trial-1", metrics={"loss": [0.5, float("nan")]})

    assert ">NaN</td>" in browser(alice).get(LIST).content.decode()


def test_a_project_without_runs_shows_how_to_log_one(browser, alice):
    html = browser(alice).get(LIST).content.decode()

    assert "import lineal" in html


def test_no_match_is_not_an_empty_project(browser, alice, sweep):
    html = browser(alice).get(f"{LIST}?filter=metrics.auc > 9").content.decode()

    assert "No run matches" in html
    assert "import lineal" not in html
