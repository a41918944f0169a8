"""The pages of one run: each renders by itself, costs a bounded number of queries, and says what there is and what is missing."""

import re
from urllib.parse import quote

import pytest

from tests.web.run_story import new_full_run, new_run
from tests.web.story import EVIL
from tests.web.test_pages import Inspector
from tracking.services import archive_run, create_run, delete_run, finish_run, record_datasets
from tracking.services.datasets import Direction
from tracking.services.runs import Origin
from tracking.uses import DatasetUse
from web.security import CONTENT_SECURITY_POLICY
from web.views.run_pages.charts import PAGE_FIGURES, group_of, metric_keys
from web.views.run_pages.overview import leading

pytestmark = pytest.mark.django_db

TABS = ("", "/charts", "/values", "/artifacts", "/code", "/line", "/ledger")


@pytest.fixture
def full(home, project, bob):
    return new_full_run(project, bob)


@pytest.fixture
def visit(browser, alice):
    """`visit(run, "/charts?q=x")`: what Alice is answered."""
    visitor = browser(alice)
    return lambda run, path="", **headers: visitor.get(f"/projects/default/runs/{run.uuid.hex}{path}", **headers)


def words_of(answer):
    return "".join(Inspector(answer.content.decode()).words)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("which", ["full", "empty"])
def test_each_page_of_a_run_renders_without_letting_logged_text_act(visit, project, bob, request, tab, which):
    run = (
        request.getfixturevalue("full")
        if which == "full"
        else create_run(project=project, experiment="e", actor=bob)[0]
    )
    answer = visit(run, tab)
    page = Inspector(answer.content.decode())

    assert answer.status_code == 200
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    assert answer.headers["Content-Security-Policy"].startswith(CONTENT_SECURITY_POLICY)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert 'aria-current="page"' in answer.content.decode()


@pytest.mark.parametrize("tab", [tab for tab in TABS if tab != "/ledger"])
def test_logged_names_are_shown_whole_and_as_text(visit, full, tab):
    assert EVIL in words_of(visit(full, tab))


@pytest.mark.parametrize("tab", [*TABS, "/artifacts/view?path=report.html"])
def test_strangers_and_neighbours_meet_a_run_that_is_not_there(
    browser, mallory, make_account, make_project, principal, full, tab
):
    neighbour = make_account("nina")
    make_project("next-door", admin=neighbour)
    address = f"/projects/default/runs/{full.uuid.hex}{tab}"

    assert browser(mallory).get(address).status_code == 404
    assert browser(principal(neighbour)).get(address.replace("default", "next-door")).status_code == 404
    assert browser().get(address).headers["Location"].startswith("/login?next=")


@pytest.mark.parametrize(
    ("tab", "most"),
    [("", 34), ("/charts", 14), ("/values", 14), ("/artifacts", 16), ("/code", 18), ("/line", 36), ("/ledger", 18)],
)
def test_a_page_costs_a_bounded_number_of_queries(visit, full, django_assert_max_num_queries, tab, most):
    visit(full, tab)

    with django_assert_max_num_queries(most):
        visit(full, tab)


def test_the_number_of_queries_does_not_grow_with_the_run(visit, project, bob, django_assert_max_num_queries):
    run = new_run(
        project,
        bob,
        metrics={f"group{number % 7}/m{number}": [0.1] for number in range(300)},
        params={f"p.{n}": n for n in range(300)},
    )
    visit(run)

    for tab, most in (("", 34), ("/charts", 14), ("/values", 14)):
        with django_assert_max_num_queries(most):
            visit(run, tab)


@pytest.mark.parametrize("tab", ["/charts", "/values", "/artifacts"])
@pytest.mark.parametrize(
    "asked", ["%00", "%25_", "%F0%9F%98%80", "x" * 2_000], ids=["nul", "wildcards", "emoji", "long"]
)
def test_whatever_is_searched_for_is_answered(visit, full, tab, asked):
    assert visit(full, f"{tab}?q={asked}").status_code in {200, 400, 422}


# ---- overview


def test_the_overview_says_where_the_run_came_from_and_what_is_missing(visit, full):
    said = words_of(visit(full))

    assert "train.py --name 'a b' ; rm -rf /" in said
    assert "https://git.example.org/team/churn.git" in said
    assert "2 files or folders that git was never told of" in said
    assert "CPython 3.12.3" in said
    assert "something is missing" in said
    assert "The run declared no dataset that it read." in said


def test_children_and_parent_lead_to_each_other(visit, project, bob):
    parent, _ = create_run(project=project, experiment="sweep", actor=bob, name="the sweep")
    child, _ = create_run(project=project, experiment="sweep", actor=bob, name="first trial", parent=parent.uuid)

    assert f"/runs/{child.uuid.hex}" in visit(parent).content.decode()
    assert "first trial" in words_of(visit(parent))
    assert f"/runs/{parent.uuid.hex}" in visit(child).content.decode()


@pytest.mark.parametrize(("status", "said"), [("failed", "It failed"), ("killed", "It was killed")])
def test_a_run_that_ended_badly_says_so(visit, project, bob, status, said):
    run, _ = create_run(project=project, experiment="e", actor=bob)
    finish_run(run=run, status=status, actor=bob)

    assert said in words_of(visit(run))


def test_an_archived_and_a_deleted_run_say_so_on_every_page(visit, project, bob):
    archived = archive_run(run=new_run(project, bob), actor=bob)
    deleted = delete_run(run=new_run(project, bob), actor=bob)

    assert "Archived: out of the lists" in words_of(visit(archived))
    assert "In the bin" in words_of(visit(deleted))
    for tab in TABS:
        assert "archived" in words_of(visit(archived, tab))
        assert "deleted" in words_of(visit(deleted, tab))


def test_the_leading_metrics_are_of_different_groups_and_shortest_first():
    assert leading(["train/loss", "train/acc", "val/loss", "loss", "system/gpu/0/temperature"]) == [
        "loss", "val/loss", "train/acc", "system/gpu/0/temperature", "train/loss",
    ]  # fmt: skip


# ---- charts


def test_metrics_are_grouped_by_what_stands_before_the_last_slash(visit, full):
    assert [group_of(key) for key in ("loss", "train/loss", "a/b/c", "/x", "x/")] == ["", "train", "a/b", "", ""]
    page = visit(full, "/charts").content.decode()
    keys = re.findall(r'<figure[^>]* data-metric="([^"]+)"', page)

    assert keys.index("loss") < keys.index("train/acc") < keys.index("val/acc")
    assert re.search(r'group-name"><bdi>train</bdi> <span class="count">2<', page)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("q=ACC", ["train/acc", "val/acc"]),
        ("q=acc+val", ["val/acc"]),
        ("group=train", ["train/acc", "train/f1"]),
        ("q=f1&group=val", []),
    ],
)
def test_metrics_are_searched(visit, full, query, keys):
    page = visit(full, f"/charts?{query}").content.decode()

    assert re.findall(r'<figure[^>]* data-metric="([^"]+)"', page) == keys
    assert ("All metrics" in page) is (keys == [])


def test_many_metrics_come_a_page_at_a_time_each_once(visit, project, bob):
    count = 2 * PAGE_FIGURES + 5
    run = new_run(project, bob, metrics={f"g{number % 3}/m{number:03}": [0.5] for number in range(count)})
    seen, heads, path = [], [], "/charts"
    while path:
        answer = visit(run, path, **({"hx-request": "true"} if "cursor" in path else {}))
        page = answer.content.decode()
        seen += re.findall(r'<figure[^>]* data-metric="([^"]+)"', page)
        heads += re.findall(r'group-name"><bdi>([^<]+)<', page)
        more = re.search(r'hx-get="(\?[^"]+)"', page)
        path = f"/charts{more[1].replace('&amp;', '&')}" if more else ""

    assert seen == metric_keys(run)
    assert len(seen) == count
    assert heads == ["g0", "g1", "g2"]
    assert "<html" not in page


@pytest.mark.parametrize("tab", ["", "/charts"])
def test_a_page_that_knows_all_metrics_is_told_nothing(visit, project, bob, django_assert_max_num_queries, tab):
    """It asks every few seconds, so that answer is empty and reads keys alone."""
    run = new_run(project, bob, metrics={"loss": [0.5], "acc": [0.5]})
    visit(run, tab)
    with django_assert_max_num_queries(10):
        answer = visit(run, f"{tab}?known=2", **{"hx-request": "true"})

    assert (answer.status_code, answer.content) == (204, b"")


def test_a_page_that_shows_a_part_of_a_list_is_told_what_came_in_that_part(visit, project, bob):
    count = PAGE_FIGURES + 30
    run = new_run(project, bob, metrics={f"m{number:03}": [0.5] for number in range(count)})
    page = visit(run, f"/charts?known={count - 1}&until=m009", **{"hx-request": "true"}).content.decode()

    assert re.findall(r'<figure[^>]* data-metric="([^"]+)"', page) == [f"m{number:03}" for number in range(10)]
    assert f'data-known="{count}"' in page
    assert "<html" not in page


def test_a_page_that_knew_few_of_many_metrics_gets_the_way_to_the_rest(visit, project, bob):
    count = 2 * PAGE_FIGURES
    run = new_run(project, bob, metrics={f"m{number:03}": [0.5] for number in range(count)})
    page = visit(run, "/charts?known=1", **{"hx-request": "true"}).content.decode()
    shown = re.findall(r'<figure[^>]* data-metric="([^"]+)"', page)
    more = re.search(r'hx-get="(\?[^"]+)"', page)[1].replace("&amp;", "&")
    rest = visit(run, f"/charts{more}", **{"hx-request": "true"}).content.decode()

    assert len(shown) == PAGE_FIGURES + 1
    assert "known" not in more
    assert [*shown, *re.findall(r'<figure[^>]* data-metric="([^"]+)"', rest)] == metric_keys(run)


@pytest.mark.parametrize("query", ["known=many", "known=-1", "known=0&until=nothing"])
def test_what_cannot_be_known_is_refused(visit, project, bob, query):
    run = new_run(project, bob, metrics={"loss": [0.5]})
    assert visit(run, f"/charts?{query}", **{"hx-request": "true"}).status_code == 422


def test_the_table_has_the_numbers_that_are_none_by_their_names(visit, full):
    said = words_of(visit(full, "/charts?view=table"))

    assert "∞" in said
    assert "NaN" in said
    assert "1e+300" in said


def test_a_cursor_of_another_list_is_refused(visit, full):
    assert visit(full, "/charts?cursor=bm9wZQ").status_code == 422


# ---- params and tags


def test_values_are_folded_by_the_dots_of_their_keys(visit, full):
    page = visit(full, "/values").content.decode()

    assert re.search(r"<summary><code>optimizer</code> <span[^>]*>2<", page)
    assert 'title="optimizer.lr">lr</code>' in page
    assert 'title="seed">seed</code>' in page
    assert "5000 characters" in page
    assert page.count("0" * 400) >= 1


@pytest.mark.parametrize(
    ("search", "shown", "hidden"),
    [("ADAM", "optimizer.name", "optimizer.lr"), ("lr", "optimizer.lr", "seed"), ("risk", "team", "seed")],
)
def test_values_are_searched_by_key_and_value(visit, full, search, shown, hidden):
    page = visit(full, f"/values?q={search}").content.decode()

    assert f'title="{shown}"' in page
    assert f'title="{hidden}"' not in page


# ---- code, line, ledger


def test_the_code_page_shows_diff_packages_and_recipe(visit, full):
    page = visit(full, "/code").content.decode()
    said = words_of(visit(full, "/code"))

    assert f"-old {EVIL}" in said
    assert '<span class="added">+1</span> <span class="removed">−1</span>' in page
    assert "numpy" in said
    assert "git checkout --detach " + "1a2b3c4d" * 5 in said
    assert "';' rm -rf /" in said  # a word like others, and no end of a command


def test_a_run_that_made_data_and_read_none_is_said_to_be_untraceable(visit, project, bob):
    run, _ = create_run(project=project, experiment="e", actor=bob)
    record_datasets(run=run, uses=[DatasetUse(name="features")], direction=Direction.OUTPUT)

    assert "Data was made here, and none is said to have been read." in words_of(visit(run, "/line"))
    assert "This run declared no dataset" in words_of(visit(new_run(project, bob), "/line"))


def test_the_ledger_page_has_every_seal_and_the_entries(visit, full):
    page = visit(full, "/ledger").content.decode()

    assert "Seal 1" in page
    assert f"target_type=run&amp;target_id={full.uuid.hex}" in page
    assert "run.create" in page


def test_pages_of_one_run_stay_light(visit, project, bob):
    """The first view of a run with 500 metrics and a large diff, uncompressed and without what the browser keeps. Of the
    diff there are more characters, and more lines, than are shown.
    """
    hunk = "".join(f"+{number:06} {'x' * 72}\n" for number in range(3_000))
    diff = "".join(
        f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -0,0 +1,3000 @@\n{hunk}" for name in "ab"
    )
    run = new_run(
        project,
        bob,
        metrics={f"g{number % 9}/m{number:03}": [0.5] for number in range(500)},
        origin=Origin(code={"dirty": True, "diff": diff}),
    )

    for tab in TABS:
        size = len(visit(run, tab).content)
        assert size < (200_000 if tab == "/code" else 100_000), f"{tab or 'overview'} has {size:,} bytes"
    assert len(visit(run, "/code").content) > 120_000  # as much of the diff as is ever shown


def test_a_hostile_path_is_quoted_in_its_link(visit, full):
    page = visit(full, "/artifacts").content.decode()

    assert quote("مرحبا/😀.txt", safe="") in page
