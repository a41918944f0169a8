"""The table of runs: columns that people pick, saved views, acts on many runs with undo, and runs that come while one looks."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from core.access import Role
from tests.web.story import EVIL, new_run
from tracking.models import Run, SavedView, Tag

pytestmark = pytest.mark.django_db

LIST = "/projects/default/runs"
STRANGE = f"{EVIL} \u202eשלום 😀 " + "x" * 150
MOST_QUERIES = 32  # of a page, whatever is on it


@pytest.fixture
def sweep(project, bob):
    return [
        new_run(
            project,
            bob,
            name=f"trial-{number}",
            metrics={"auc": [number / 10, number / 20]},
            params={"lr": number, "seed": 1},
        )
        for number in (1, 2, 3)
    ]


def html_of(answer):
    assert answer.status_code == 200, answer.content.decode()[-2000:]
    return answer.content.decode()


def columns_in(html):
    return [unescape(name) for name in re.findall(r'data-column="([^"]+)"', html)][1:]


def cells_in(html, label):
    return re.findall(rf'data-label="{label}"[^>]*>(?:<bdi>)?([^<]*)', html)


def address(**query):
    return f"{LIST}?{urlencode(query)}"


def ids(runs):
    return [run.uuid.hex for run in runs]


def test_columns_are_picked_by_name_and_grouped(browser, alice, sweep):
    """Groups stay together, in one order, however the names were written."""
    html = html_of(browser(alice).get(address(columns="min(metrics.auc), status, params.lr, metrics.auc, tags.team")))

    assert columns_in(html) == ["status", "params.lr", "min(metrics.auc)", "metrics.auc", "tags.team"]
    assert re.findall(r'<th scope="colgroup" colspan="(\d)">(\w+)', html) == [
        ("1", "Run"),
        ("1", "Params"),
        ("2", "Metrics"),
        ("1", "Tags"),
    ]
    assert cells_in(html, "min auc") == ["0.15", "0.1", "0.05"]


def test_columns_can_be_picked_by_a_form_without_script(browser, alice, sweep):
    visitor = browser(alice)
    form = html_of(visitor.get(f"{LIST}/columns?filter=params.lr > 1"))

    assert 'name="column" value="max(metrics.auc)"' in form
    assert 'name="filter" value="params.lr &gt; 1"' in form
    query = urlencode({"pick": 1, "filter": "params.lr > 1", "column": ["params.lr", "max(metrics.auc)"]}, doseq=True)
    html = html_of(visitor.get(f"{LIST}?{query}"))
    assert columns_in(html) == ["params.lr", "max(metrics.auc)"]
    assert cells_in(html, "lr") == ["3", "2"]


def test_the_form_of_columns_alone_is_what_the_page_holds(browser, alice, sweep):
    visitor = browser(alice)
    whole, part = visitor.get(f"{LIST}/columns"), visitor.get(f"{LIST}/columns", **{"hx-request": "true"})

    assert part.content.strip() in whole.content
    assert b"<html" not in part.content


def test_a_column_that_is_none_is_explained(browser, alice, sweep):
    answer = browser(alice).get(address(columns="status, sideways"))

    assert answer.status_code == 422
    assert "At character 9 of the columns" in answer.content.decode()


def test_differing_only_leaves_out_what_is_alike_and_says_so(browser, alice, sweep):
    html = html_of(browser(alice).get(address(differing=1, experiment="gbm")))

    assert "params.lr" in columns_in(html)
    assert "params.seed" not in columns_in(html)
    assert re.search(r"left out: .*seed", html)


def test_a_view_is_saved_from_what_is_shown_and_new_runs_join_it(browser, alice, bob, project, sweep):
    visitor = browser(bob)
    shown = f"?{urlencode({'filter': 'metrics.auc > 0.05', 'order_by': 'metrics.auc DESC', 'columns': 'params.lr'})}"
    answer = visitor.post(f"{LIST}/views", {"name": STRANGE, "back": shown}, page=LIST + shown)
    new_run(project, bob, name="later", metrics={"auc": [0.9]}, params={"lr": 9})
    html = html_of(browser(alice).get(answer.headers["Location"]))

    assert columns_in(html) == ["params.lr"]
    assert cells_in(html, "lr") == ["9", "3", "2"]
    assert EVIL not in html
    assert AuditEvent.objects.filter(action="view.create").count() == 1


def test_what_an_address_says_goes_before_its_view(browser, alice, sweep, project):
    from tracking import services

    wish = services.ViewWish(name="mine", filter="params.lr > 1", columns="params.lr")
    view = services.create_view(project=project, wish=wish, actor=alice)
    html = html_of(browser(alice).get(address(view=view.uuid, filter="params.lr > 2")))

    assert cells_in(html, "lr") == ["3"]
    assert "Save changes" in html
    assert cells_in(html_of(browser(alice).get(address(view=view.uuid, filter=""))), "lr") == ["3", "2", "1"]


def test_a_view_is_changed_and_deleted_by_its_author(browser, alice, project, sweep):
    from tracking import services

    view = services.create_view(project=project, wish=services.ViewWish(name="mine"), actor=alice)
    visitor = browser(alice)
    back = f"?{urlencode({'view': view.uuid, 'filter': 'params.lr = 2'})}"
    visitor.post(f"{LIST}/views/{view.uuid}", {"act": "update", "back": back}, page=LIST + back)
    assert SavedView.objects.get().filter == "params.lr = 2"
    visitor.post(f"{LIST}/views/{view.uuid}", {"act": "delete"}, page=LIST)
    assert not SavedView.objects.exists()


def test_a_contributor_leaves_others_views_alone(browser, alice, bob, project, sweep):
    from tracking import services

    view = services.create_view(project=project, wish=services.ViewWish(name="mine"), actor=alice)
    answer = browser(bob).post(f"{LIST}/views/{view.uuid}", {"act": "delete"}, page=LIST)

    assert answer.status_code == 403
    assert SavedView.objects.exists()


def test_a_viewer_sees_views_and_no_forms(browser, make_member, alice, project, sweep):
    from tracking import services

    services.create_view(project=project, wish=services.ViewWish(name="best ones"), actor=alice)
    html = html_of(browser(make_member("vera", Role.VIEWER)).get(LIST))

    assert "best ones" in html
    assert "Save view" not in html
    assert 'value="delete"' not in html
    assert 'value="compare"' in html


def test_selected_runs_are_deleted_and_undone(browser, bob, sweep):
    visitor = browser(bob)
    back = "?filter=params.lr+%3C+3"
    answer = visitor.post(f"{LIST}/act", {"act": "delete", "run": ids(sweep[:2]), "back": back}, page=LIST)

    assert answer.status_code == 302
    assert set(Run.objects.filter(lifecycle="deleted")) == set(sweep[:2])
    html = html_of(visitor.get(answer.headers["Location"]))
    assert "2 runs deleted." in html
    assert "filter=params.lr" in answer.headers["Location"]

    deletion = re.search(r'name="deletion" value="([^"]+)"', html)[1]
    undone = visitor.post(f"{LIST}/act", {"act": "undo", "deletion": deletion, "back": back}, page=LIST)
    assert "2 runs as before." in html_of(visitor.get(undone.headers["Location"]))
    assert not Run.objects.exclude(lifecycle="active").exists()
    assert AuditEvent.objects.filter(action="run.restore").count() == 2


def test_undoing_gives_archived_runs_back_to_the_archive(browser, bob, sweep):
    visitor = browser(bob)
    visitor.post(f"{LIST}/act", {"act": "archive", "run": ids(sweep[:1])}, page=LIST)
    answer = visitor.post(f"{LIST}/act", {"act": "delete", "run": ids(sweep)}, page=LIST)
    told = answer.headers["Location"]
    deletion = re.search(r"done=([\w-]+)", told)[1]
    visitor.post(f"{LIST}/act", {"act": "undo", "deletion": deletion}, page=told)

    assert [run.lifecycle for run in Run.objects.order_by("pk")] == ["archived", "active", "active"]


def test_others_runs_are_not_a_contributors_to_delete(browser, alice, bob, project, sweep):
    hers = new_run(project, alice, name="hers")
    answer = browser(bob).post(f"{LIST}/act", {"act": "delete", "run": ids([*sweep, hers])}, page=LIST)

    assert answer.status_code == 403
    assert not Run.objects.exclude(lifecycle="active").exists()


def test_selected_runs_are_tagged_together(browser, bob, sweep):
    visitor = browser(bob)
    visitor.post(f"{LIST}/act", {"act": "tag", "run": ids(sweep), "key": "team", "value": STRANGE}, page=LIST)
    assert set(Tag.objects.values_list("value", flat=True)) == {STRANGE}

    visitor.post(f"{LIST}/act", {"act": "tag", "run": ids(sweep), "key": "team", "value": ""}, page=LIST)
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"act": "delete"}, "Select runs first"),
        ({"act": "sideways"}, "no such button"),
        ({"act": "undo", "deletion": "x"}, "nothing to undo"),
        ({"act": "tag", "key": ""}, "Select runs first"),
        ({"act": "delete", "run": "0" * 31 + "z"}, "run"),
    ],
)
def test_an_act_that_is_none_is_explained_with_a_way_back(browser, bob, sweep, fields, words):
    answer = browser(bob).post(f"{LIST}/act", fields, page=LIST)

    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_strangers_project_has_no_such_pages(browser, mallory, sweep):
    visitor = browser(mallory)

    for path in ("", "/columns", "/live", "/compare"):
        assert visitor.get(LIST + path).status_code == 404


def test_comparing_leads_to_an_address_with_the_set_in_it(browser, alice, sweep):
    answer = browser(alice).post(f"{LIST}/act", {"act": "compare", "run": ids(sweep)}, page=LIST)

    assert answer.headers["Location"] == f"{LIST}/compare?runs={'%2C'.join(ids(sweep))}"


def test_runs_that_came_and_runs_as_they_are_now(browser, alice, bob, project):
    going = new_run(project, bob, name="going", metrics={"auc": [0.1]}, finish=False)
    visitor = browser(alice)
    html = html_of(visitor.get(LIST))
    since = re.search(r'data-since="([^"]+)"', html)[1]
    shown = unescape(re.search(r'data-shown="([^"]+)"', html)[1])
    from tracking import services

    services.finish_run(run=going, status="failed", actor=bob)
    new_run(project, bob, name="newcomer", metrics={"auc": [0.2]}, params={"lr": 1})
    live = html_of(visitor.get(f"{LIST}/live?{urlencode({'since': since, 'shown': shown, 'run': going.uuid.hex})}"))
    came, watched = live.split('data-part="watched"')

    assert "newcomer" in came
    assert "failed" in watched
    assert "data-running" not in watched
    assert live.count("data-label=") == 3 * len(columns_in(html))  # the first page looks back a little


def test_new_runs_that_do_not_pass_the_filter_do_not_come(browser, alice, bob, project, sweep):
    visitor = browser(alice)
    since = re.search(r'data-since="([^"]+)"', html_of(visitor.get(LIST)))[1]
    new_run(project, bob, name="newcomer", params={"lr": 7})

    live = html_of(visitor.get(f"{LIST}/live?{urlencode({'since': since, 'filter': 'params.lr > 7'})}"))
    assert "newcomer" not in live


@pytest.mark.parametrize("query", ["since=x", "shown=sideways", "run=zz", "since=WyJhIl0"])
def test_a_live_question_that_is_none_is_refused(browser, alice, sweep, query):
    assert browser(alice).get(f"{LIST}/live?{query}").status_code == 422


@pytest.mark.parametrize("path", ["?experiment=a%00", "/columns?experiment=a%00", "/live?experiment=%00", "?view=x"])
def test_an_address_that_is_none_is_refused(browser, alice, sweep, path):
    assert browser(alice).get(LIST + path).status_code == 422


def test_strange_names_stay_text_everywhere(browser, alice, bob, project):
    new_run(project, bob, name=STRANGE, experiment=STRANGE, metrics={EVIL: [1.0]}, params={EVIL: STRANGE})
    new_run(project, bob, name="x", experiment=STRANGE)
    visitor = browser(alice)
    for path in (LIST, f"{LIST}/columns", address(experiment=STRANGE), address(differing=1)):
        html = html_of(visitor.get(path))
        assert EVIL not in html
        assert "onerror=&quot;alert(1)&quot;" in html


def test_a_page_costs_the_same_however_many_runs_there_are(browser, alice, bob, project, sweep):
    visitor = browser(alice)
    visitor.get(LIST)
    with CaptureQueriesContext(connection) as few:
        visitor.get(LIST)
    for number in range(20):
        new_run(project, bob, name=f"more-{number}", metrics={"auc": [0.1]}, params={"lr": number})
    with CaptureQueriesContext(connection) as many:
        visitor.get(LIST)

    assert len(many) == len(few) <= MOST_QUERIES


def test_a_look_at_what_is_new_costs_less_than_the_page(browser, alice, sweep):
    visitor = browser(alice)
    since = re.search(r'data-since="([^"]+)"', html_of(visitor.get(LIST)))[1]
    new = f"{LIST}/live?{urlencode({'since': since, 'shown': 'status'})}"
    visitor.get(new)
    with CaptureQueriesContext(connection) as asked:
        visitor.get(new)

    assert len(asked) <= 20


# ---- lines


def test_a_line_has_the_last_value_in_its_cell_and_says_what_to_draw(browser, alice, sweep):
    html = html_of(browser(alice).get(address(columns="line(metrics.auc),params.lr")))
    cells = re.findall(r'data-line="(\d+)" data-run="(\w+)" data-key="auc"', html)

    assert columns_in(html) == ["params.lr", "line(metrics.auc)"]
    assert cells == [("2", run) for run in reversed(ids(sweep))]
    assert re.findall(r'class="last">([^<]*)<', html) == ["0.15", "0.1", "0.05"]
    assert "order_by=line" not in html  # a line is no order


def test_a_file_has_the_last_value_in_the_place_of_a_line_once(browser, alice, sweep):
    html = html_of(browser(alice).get(address(columns="line(metrics.auc),metrics.auc")))
    export = unescape(re.search(r'href="(/api/v1/runs/export[^"]+)"', html)[1])

    assert "columns=metrics.auc" in export
    assert "line" not in export
    assert browser(alice).get(export).status_code == 200


def test_lines_stay_where_only_differing_columns_do(browser, alice, project, bob):
    """Runs that end alike may have gone other ways."""
    for number in (1, 2):
        new_run(project, bob, name=str(number), metrics={"auc": [number / 10, 0.5]})
    html = html_of(browser(alice).get(address(columns="line(metrics.auc),metrics.auc", differing=1)))

    assert columns_in(html) == ["line(metrics.auc)"]


def test_a_saved_view_keeps_its_lines(browser, bob, alice, sweep):
    answer = browser(bob).post(f"{LIST}/views", {"name": "drawn", "back": "?columns=line(metrics.auc)"}, page=LIST)
    view = SavedView.objects.get(name="drawn")

    assert answer.status_code == 302
    assert view.columns == "line(metrics.auc)"
    assert columns_in(html_of(browser(alice).get(address(view=view.uuid)))) == ["line(metrics.auc)"]


@pytest.mark.parametrize("columns", ["line(params.lr)", "line(status)", "line(min(metrics.auc))"])
def test_only_metrics_have_lines(browser, alice, sweep, columns):
    assert browser(alice).get(address(columns=columns)).status_code == 422


def test_lines_are_for_pages(browser, alice, sweep):
    answer = browser(alice).get("/api/v1/runs/export?project=default&format=json&columns=line(metrics.auc)")

    assert answer.status_code == 422
    assert "drawn on pages" in answer.json()["detail"]
