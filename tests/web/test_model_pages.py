"""Models: the list by what environments hold, one model with its versions and names, and the form that moves a name."""

import base64
import re
from urllib.parse import quote

import pytest

from core.access import Role
from registry import services
from registry.models import Alias, Model, ModelVersion
from tests.registry.factories import new_version
from tests.web.history import ask, promote
from tests.web.test_pages import Inspector

pytestmark = pytest.mark.django_db

MODELS = "/projects/default/models"
HUGE = base64.urlsafe_b64encode(b"[1000000000000000000000, 1000000000000000000000]").decode().rstrip("=")
HOSTILE = ("نموذج تسرب العملاء", "🐙 octopus 🦑 é", "x" * 250, "a & b;c=d,e+f$(g)")


def names_on(page):
    """Models in the order of the list."""
    table = page.split("<tbody>")[1] if "<tbody>" in page else ""
    return re.findall(r'<th scope="row" class="any"><a [^>]*><bdi>(.*?)</bdi>', table)


@pytest.fixture
def show(browser, bob):
    visitor = browser(bob)
    return lambda path: visitor.get(path).content.decode()


def test_the_list_says_what_each_environment_holds(show, past, project, bob):
    new_version(project, bob, model="churn")
    page = show(MODELS)
    row = page.split("<tbody>")[1].split("</tr>")[0]

    assert re.search(r'data-label="production".*?>v3</a>.*?1 behind', row, re.DOTALL)
    assert re.search(r'data-label="staging"><span class="cell"><span class="quiet"', row)
    assert re.search(r'data-label="Newest version".*?>v4</a>', row, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["alpha", "beta", "gamma"]),
        ("?q=ALPH", ["alpha"]),
        ("?q=about+money", ["beta"]),
        ("?environment=staging", ["beta"]),
        ("?environment=nowhere", ["alpha", "gamma"]),
        ("?state=candidate", ["gamma"]),
        ("?q=nothing", []),
        ("?sort=-name", ["gamma", "beta", "alpha"]),
        ("?sort=-versions", ["beta", "gamma", "alpha"]),
        ("?sort=changed", ["alpha", "gamma", "beta"]),
    ],
)
def test_the_list_is_filtered_and_sorted(show, project, bob, query, found):
    new_version(project, bob, model="alpha")
    new_version(project, bob, model="gamma", verified=False)
    beta = new_version(project, bob, model="beta").model
    services.update_model(model=beta, actor=bob, description="All about money.")
    promote(project, new_version(project, bob, model="beta"), asker=bob, approver=bob, to="staging")

    assert names_on(show(MODELS + query)) == found


@pytest.mark.parametrize(
    "query",
    [
        "?sort=colour",
        "?state=lost",
        "?sort=-changed&cursor=bm9wZQ",
        "?sort=changed&cursor=WzEsMl0",
    ],
)
def test_an_order_or_a_cursor_that_is_none_is_refused(browser, bob, project, query):
    assert browser(bob).get(MODELS + query).status_code == 422


def test_a_cursor_beyond_what_a_database_can_count_shows_nothing(show, project):
    """And is no error of the server."""
    assert names_on(show(f"{MODELS}?sort=versions&cursor={HUGE}")) == []


@pytest.mark.parametrize("sort", ["name", "-name", "changed", "-changed", "versions", "-versions"])
def test_pages_of_any_order_show_every_model_once(show, project, bob, sort, monkeypatch):
    monkeypatch.setattr("web.paging.ordered.__kwdefaults__", {"size": 3})
    for number in range(8):
        services.create_model(project=project, name=f"m{number}", actor=bob)
    seen, address = [], f"?sort={sort}"
    while address:
        page = show(MODELS + address)
        seen += names_on(page)
        found = re.search(r'class="pager" aria-label="Pages"><a class="button" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else ""

    assert sorted(seen) == sorted(f"m{number}" for number in range(8))


def test_hostile_names_are_harmless_and_whole(show, project, bob):
    for name in HOSTILE:
        new_version(project, bob, model=name)
    page = Inspector(show(MODELS))

    assert page.faults == []
    for name in HOSTILE:
        own = Inspector(show(f"{MODELS}/{quote(name, safe='')}"))
        assert name in "".join(page.words)
        assert name in "".join(own.words)
        assert own.faults == []


def test_the_pages_of_a_long_list_cost_a_bounded_number_of_queries(
    browser, bob, project, past, django_assert_max_num_queries
):
    for number in range(20):
        new_version(project, bob, model=f"m{number}", metrics={"auc": 0.6})
        new_version(project, bob, model="churn", metrics={"auc": 0.6})
    visitor = browser(bob)
    visitor.get(MODELS)

    with django_assert_max_num_queries(15):
        visitor.get(MODELS)
    with django_assert_max_num_queries(26):
        visitor.get(f"{MODELS}/churn")
    with django_assert_max_num_queries(60):  # two walks of the line, described kind by kind
        visitor.get(f"{MODELS}/churn/versions/3")


def test_a_model_shows_its_versions_with_state_badges_and_gated_metrics(show, past, project, bob):
    waiting = ask(project, new_version(project, bob, model="churn", metrics={"auc": 0.77}), bob)
    services.set_alias(model=waiting.model, name="best", version=past.versions[1], actor=bob)
    page = show(f"{MODELS}/churn")
    table = page.split('id="versions"')[1].split("</table>")[0]
    rows = {int(row.split("version ")[1].split("<")[0]): row for row in table.split("<tr>")[2:]}

    assert "waits for production" in rows[4]
    assert ">0.77<" in rows[4]
    assert '<span class="tag env">production</span>' in rows[3]
    assert "@best" in rows[2]
    assert list(rows) == [4, 3, 2, 1]


@pytest.mark.parametrize(("query", "numbers"), [("?sort=version", ["1", "2", "3"]), ("?state=quarantined", ["2"])])
def test_versions_are_sorted_and_filtered(show, past, query, numbers):
    ModelVersion.objects.filter(number=2).update(lifecycle="quarantined")
    page = show(f"{MODELS}/churn{query}").split('id="versions"')[1].split("</table>")[0]

    assert re.findall(r">version (\d+)</a>", page) == numbers


def test_policies_are_told_in_words(show, past):
    page = show(f"{MODELS}/churn")

    assert "one person of role approver or above approve" in page
    assert "auc &gt;= 0.5" in page


def alias(visitor, **fields):
    return visitor.post(f"{MODELS}/churn/aliases", {"reason": "", **fields}, page=f"{MODELS}/churn")


def test_an_alias_is_moved_by_form_and_its_history_says_so(browser, bob, past, recorded_actions):
    visitor = browser(bob)
    first = alias(visitor, act="set", alias="best", version="2")
    alias(visitor, act="set", alias="best", version="v3", reason="beats it <b>")
    page = visitor.get(f"{MODELS}/churn").content.decode()

    assert first.headers["Location"] == f"{MODELS}/churn#aliases"
    assert Alias.objects.get().version.number == 3
    assert "moved from" in page
    assert "beats it &lt;b&gt;" in page
    assert recorded_actions()[-2:] == ["alias.set", "alias.set"]

    alias(visitor, act="delete", alias="best")
    assert not Alias.objects.exists()
    assert "deleted; it was version 3" in visitor.get(f"{MODELS}/churn").content.decode()


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"act": "set", "alias": "best", "version": "99"}, 404, "has no version"),
        ({"act": "set", "alias": "production", "version": "2"}, 409, "is an environment"),
        ({"act": "set", "alias": "9", "version": "2"}, 422, ""),
        ({"act": "delete", "alias": "best"}, 404, "has no alias"),
        ({"act": "bless", "alias": "best"}, 422, "none of set, delete"),
    ],
)
def test_an_alias_that_cannot_be_moved_is_explained(browser, bob, past, fields, status, said):
    answer = alias(browser(bob), **fields)

    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not Alias.objects.exists()


def test_a_viewer_moves_no_alias(browser, make_member, past, recorded_actions):
    visitor = browser(make_member("vera", Role.VIEWER))
    fields = {"act": "set", "alias": "best", "version": "1"}
    answer = visitor.post(f"{MODELS}/churn/aliases", fields, page="/settings/profile")

    assert answer.status_code == 403
    assert recorded_actions()[-1] == "access.denied"
    assert 'value="set"' not in visitor.get(f"{MODELS}/churn").content.decode()


def test_an_empty_project_says_how_a_model_is_made(show, project):
    assert "lineal.register(" in show(MODELS)
    assert not Model.objects.exists()
