"""Every page of a project, full and empty: it renders, keeps strangers out, and lets nothing logged become markup."""

import re
from html.parser import HTMLParser

import pytest

from tests.web.story import EVIL, EVIL_NAME
from web.security import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.django_db

NAMES = (
    "run list", "columns", "comparison", "run", "experiments", "models", "model", "version", "promotions", "promotion", "deployments",
    "datasets", "dataset", "subscriptions", "subscription", "delivery", "general", "members", "environments", "policies",
    "policy", "usage", "audit", "event",
)  # fmt: skip
LISTS = ("runs", "experiments", "models", "promotions", "deployments", "monitoring", "data", "notifications", "audit")
OURS = re.compile(r"/static/web/[\w/.-]+\.js")
HANDLER = re.compile(r"^on\w+$")


class Inspector(HTMLParser):
    """Collects what a page must not have, and the words it shows."""

    def __init__(self, html):
        super().__init__()
        self.faults, self.words, self.ids = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        if tag in {"img", "iframe", "object", "embed", "base", "style"}:
            self.faults.append(f"<{tag}>")
        if tag == "script" and not OURS.fullmatch(named.get("src") or ""):
            self.faults.append(f"script of {named.get('src')}")
        self.faults += [f"{tag} {name}" for name in named if HANDLER.match(name) or name == "style"]
        for name in ("href", "src", "action"):
            if (named.get(name) or "").strip().lower().startswith(("javascript:", "data:", "vbscript:")):
                self.faults.append(f"{tag} {name}={named[name]}")

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_full_page_renders_without_letting_logged_text_act(browser, alice, pages, name):
    answer = browser(alice).get(pages[name])
    page = Inspector(answer.content.decode())

    assert answer.status_code == 200
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "path",
    ["/", "/search", f"/search?q={EVIL_NAME}", f"/search?q={EVIL}", "/settings/profile", "/settings/tokens",
     "/settings/accounts", "/settings/accounts?kind=service", "/settings/accounts/alice"],
)  # fmt: skip
def test_a_page_of_no_project_lets_nothing_act_either(browser, alice, pages, path):
    from accounts.models import Account, Project

    Account.objects.filter(name="alice").update(display_name=EVIL)
    Project.objects.filter(name="default").update(description=EVIL)

    answer = browser(alice).get(path)
    page = Inspector(answer.content.decode())

    assert answer.status_code == 200
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("run list", EVIL), ("comparison", EVIL), ("run", EVIL),
        ("experiments", EVIL), ("models", EVIL), ("model", EVIL), ("version", EVIL),
        ("promotion", EVIL), ("deployments", EVIL), ("datasets", EVIL_NAME), ("dataset", EVIL_NAME), ("audit", EVIL),
        ("subscription", EVIL), ("delivery", EVIL),
    ],
)  # fmt: skip
def test_logged_text_is_shown_as_it_was_written(browser, alice, pages, name, shown):
    """Escaped, and not dropped: a name that looks like markup is still a name."""
    assert shown in "".join(Inspector(browser(alice).get(pages[name]).content.decode()).words)


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_meets_a_project_that_is_not_there(browser, mallory, pages, name):
    """To the letter the same answer as for a project that never was."""
    visitor = browser(mallory)
    hidden = visitor.get(pages[name])
    missing = visitor.get(pages[name].replace("/default/", "/nowhere/"))

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert without_ids(hidden) == without_ids(missing).replace("nowhere", "default")


def without_ids(answer):
    return re.sub(r"Request <code>\w+</code>", "", answer.content.decode())


@pytest.mark.parametrize("name", NAMES)
def test_the_anonymous_are_sent_to_sign_in(browser, pages, name):
    answer = browser().get(pages[name])

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_says_what_to_do(browser, alice, name):
    answer = browser(alice).get(f"/projects/default/{name}")

    assert answer.status_code == 200
    assert Inspector(answer.content.decode()).faults == []


@pytest.mark.parametrize(
    "path",
    [
        "runs/" + "0" * 32, "models/nothing", "models/fraud/versions/99", "data/nothing", "experiments/x",
        "promotions/01890000-0000-7000-8000-000000000000", "audit/01890000-0000-7000-8000-000000000000",
        "data/train?version=nonsense", "notifications/01890000-0000-7000-8000-000000000000",
        "deliveries/01890000-0000-7000-8000-000000000000",
    ],
)  # fmt: skip
def test_a_page_of_nothing_is_a_page_that_says_so(browser, alice, story, path):
    answer = browser(alice).get(f"/projects/default/{path}")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_a_run_id_that_is_none_is_refused(browser, alice):
    assert browser(alice).get("/projects/default/runs/nonsense").status_code == 422


def test_a_foreign_cursor_is_refused(browser, alice, story):
    for name in LISTS:
        assert browser(alice).get(f"/projects/default/{name}?cursor=bm9wZQ").status_code == 422, name


def test_two_projects_do_not_mix(browser, make_project, make_account, principal, pages):
    """Someone with the same role next door gets the same 404 by id as a stranger."""
    neighbour = make_account("nina")
    make_project("next-door", admin=neighbour)
    visitor = browser(principal(neighbour))

    for name in ("run", "version", "promotion", "dataset", "subscription", "delivery", "event"):
        assert visitor.get(pages[name].replace("/default/", "/next-door/")).status_code == 404, name


def test_pages_cost_a_bounded_number_of_queries(browser, alice, bob, project, pages, django_assert_max_num_queries):
    from tests.web.story import new_run

    for number in range(8):
        new_run(project, bob, name=f"run-{number}", metrics={"auc": [0.1, 0.2]}, params={"lr": number})
    visitor = browser(alice)
    visitor.get(pages["run list"])

    with django_assert_max_num_queries(22):
        visitor.get(pages["run list"])
    with django_assert_max_num_queries(12):
        visitor.get(pages["experiments"])
    with django_assert_max_num_queries(55):  # on PostgreSQL, setting a limit of time counts as well
        visitor.get(pages["run"])


def test_the_side_bar_names_each_shortcut_once_and_the_dialog_lists_them(browser, alice, story):
    html = browser(alice).get("/projects/default/models").content.decode()
    keys = re.findall(r'data-keys="([^"]+)"', html)

    assert sorted(keys) == sorted(set(keys))
    assert {"g h", "g r", "g m", "g d", "g p", "g a", "g s"} <= set(keys)
    assert 'href="/projects/default/models" aria-current="page"' in html


def test_a_page_of_no_project_leads_on_to_the_one_last_looked_at(browser, alice, alice_account, make_project):
    make_project("a-first", admin=alice_account)
    make_project("zebra", admin=alice_account)
    visitor = browser(alice)

    assert "/projects/a-first/runs" in visitor.get("/").content.decode()
    visitor.get("/projects/zebra/models")
    assert 'href="/projects/zebra/runs" data-keys="g r"' in visitor.get("/").content.decode()


def test_a_cookie_names_no_project_that_one_may_not_see(browser, mallory, project):
    visitor = browser(mallory)
    visitor.client.cookies["lineal_project"] = "default"

    assert "/projects/default" not in visitor.get("/").content.decode()
