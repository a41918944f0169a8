"""Environments and policies by form: what guards each place, and every wording with what it changed."""

import pytest

from registry import selectors, services
from registry.models import Environment, Policy

pytestmark = pytest.mark.django_db

ENVIRONMENTS = "/projects/default/settings/environments"
POLICIES = "/projects/default/settings/policies"
TOML = '[[gate]]\nid = "auc"\nkind = "metric"\nexpr = "auc >= 0.8"\n'


@pytest.fixture
def maintainer(make_member):
    from core.access import Role

    return make_member("mia", Role.MAINTAINER)


def wording(name):
    return selectors.latest_revision(Policy.objects.get(name=name)).text


@pytest.mark.parametrize(
    ("format_name", "document"),
    [
        ("toml", TOML),
        ("json", '{"gate": [{"id": "auc", "kind": "metric", "expr": "auc >= 0.8"}]}'),
        ("yaml", "gate:\n  - id: auc\n    kind: metric\n    expr: auc >= 0.8\n"),
    ],
)
def test_a_policy_is_made_from_any_of_the_three_forms(browser, maintainer, recorded_actions, format_name, document):
    answer = browser(maintainer).post(
        POLICIES, {"name": "gates", "document": document, "format": format_name, "reason": "first"}
    )

    assert answer.status_code == 302
    assert '"expr":"auc >= 0.8"' in wording("gates")
    assert recorded_actions()[-1] == "policy.create"


def test_a_new_wording_shows_what_it_changed(browser, maintainer):
    visitor = browser(maintainer)
    visitor.post(POLICIES, {"name": "gates", "document": TOML, "format": "toml"})
    visitor.post(
        f"{POLICIES}/gates", {"document": TOML.replace("0.8", "0.9"), "format": "toml", "reason": "the board asked"}
    )

    html = visitor.get(f"{POLICIES}/gates").content.decode()

    assert "What revision 2 changed" in html
    assert "auc &gt;= 0.9" in html
    assert "the board asked" in html
    assert "superseded" in visitor.get(f"{POLICIES}/gates?revision=1").content.decode()
    assert visitor.get(f"{POLICIES}/gates?revision=7").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "gates", "document": '[[gate]]\nid = "x"\nkind = "wish"\n', "format": "toml"}, "wish"),
        ({"name": "gates", "document": "[[gate", "format": "toml"}, "TOML"),
        ({"name": "gates", "document": "{", "format": "json"}, "JSON"),
        ({"name": "gates", "document": TOML, "format": "xml"}, "written as one of"),
        ({"name": "NO name", "document": TOML, "format": "toml"}, "NO name"),
    ],
)
def test_a_wrong_policy_is_told_its_mistakes_and_kept_in_the_form(browser, maintainer, fields, said):
    from html import unescape

    answer = browser(maintainer).post(POLICIES, fields)
    html = unescape(answer.content.decode())

    assert answer.status_code in (400, 422)
    assert said in html
    assert fields["document"].strip() in html
    assert not Policy.objects.exists()


def test_a_policy_that_is_there_is_not_made_again(browser, maintainer):
    visitor = browser(maintainer)
    visitor.post(POLICIES, {"name": "gates", "document": TOML, "format": "toml"})

    answer = visitor.post(POLICIES, {"name": "gates", "document": TOML.replace("0.8", "0.1"), "format": "toml"})

    assert answer.status_code == 422
    assert "0.8" in wording("gates")


def test_an_environment_is_bound_with_a_reason(browser, maintainer, project, recorded_actions):
    visitor = browser(maintainer)
    visitor.post(POLICIES, {"name": "gates", "document": TOML, "format": "toml"})
    wish = {"act": "bind", "environment": "production", "policy": "gates"}

    assert visitor.post(ENVIRONMENTS, {**wish, "reason": " "}).status_code == 422
    assert visitor.post(ENVIRONMENTS, {**wish, "reason": "from now on"}).status_code == 302

    assert Environment.objects.get(name="production").policy.name == "gates"
    assert recorded_actions()[-1] == "environment.set_policy"
    visitor.post(ENVIRONMENTS, {**wish, "policy": "", "reason": "no more"})
    assert Environment.objects.get(name="production").policy is None


def test_an_environment_is_made(browser, maintainer):
    answer = browser(maintainer).post(
        ENVIRONMENTS, {"act": "create", "name": "shadow", "position": "7", "protected": "on"}
    )

    assert answer.status_code == 302
    made = Environment.objects.get(name="shadow")
    assert (made.position, made.protected, made.policy) == (7, True, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "create", "name": "production", "position": "3"},
        {"act": "create", "name": "x", "position": "far"},
        {"act": "bind", "environment": "moon", "policy": "", "reason": "x"},
        {"act": "bind", "environment": "dev", "policy": "none-such", "reason": "x"},
        {"act": "melt"},
    ],
)
def test_a_wrong_environment_is_refused_in_place(browser, maintainer, fields):
    answer = browser(maintainer).post(ENVIRONMENTS, fields)

    assert answer.status_code in (409, 422)
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize("path", [ENVIRONMENTS, POLICIES])
def test_contributors_read_and_change_nothing(browser, bob, path):
    visitor = browser(bob)

    assert 'method="post"' not in visitor.get(path).content.decode()
    fields = {"act": "create", "name": "x", "position": "1", "document": TOML, "format": "toml"}
    assert visitor.post(path, fields, page="/settings/tokens").status_code == 403


def test_an_archived_project_takes_no_new_policy(browser, maintainer, alice, project):
    from accounts.services import update_project

    visitor = browser(maintainer)
    update_project(project=project, actor=alice, archived=True)

    assert 'method="post"' not in visitor.get(POLICIES).content.decode()
    fields = {"name": "gates", "document": TOML, "format": "toml"}
    assert visitor.post(POLICIES, fields, page="/settings/tokens").status_code == 409


def test_lists_cost_a_bounded_number_of_queries(browser, maintainer, project, django_assert_max_num_queries):
    document = {"gate": [{"id": "auc", "kind": "metric", "expr": "auc >= 0.8"}]}
    for number in range(30):
        services.put_policy(project=project, name=f"p{number:02}", document=document, actor=maintainer)
    visitor = browser(maintainer)
    visitor.get(POLICIES)

    with django_assert_max_num_queries(9):
        assert "p29" in visitor.get(POLICIES).content.decode()
    visitor.get(ENVIRONMENTS)  # the first look makes the first three
    with django_assert_max_num_queries(9):
        visitor.get(ENVIRONMENTS)
