"""Settings of a project: roles by form, with the rules and the evidence of the REST interface."""

import pytest

from accounts.models import Membership, Project
from core.access import Role

pytestmark = pytest.mark.django_db

PAGE = "/projects/default/settings/members"
GENERAL = "/projects/default/settings/general"


def role_of(account_name):
    found = Membership.objects.filter(account__name=account_name, project__name="default").first()
    return Role(found.role).label if found else None


def test_an_administrator_gives_changes_and_takes_a_role(browser, alice, make_account, recorded_actions):
    make_account("dora")
    visitor = browser(alice)

    given = visitor.post(PAGE, {"act": "set", "account": "dora", "role": "viewer"})
    assert (given.status_code, role_of("dora")) == (302, "viewer")
    visitor.post(PAGE, {"act": "set", "account": "dora", "role": "approver"})
    assert role_of("dora") == "approver"
    visitor.post(PAGE, {"act": "remove", "account": "dora", "reason": "has left"})
    assert role_of("dora") is None

    assert recorded_actions()[-3:] == ["membership.set_role", "membership.set_role", "membership.remove"]


def test_the_last_administrator_stays(browser, alice):
    visitor = browser(alice)

    for fields in ({"act": "remove"}, {"act": "set", "role": "viewer"}):
        answer = visitor.post(PAGE, {"account": "alice", **fields})
        assert answer.status_code == 409
        assert "last administrator" in answer.content.decode()
    assert role_of("alice") == "admin"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "set", "account": "nobody-such", "role": "viewer"}, "There is no account"),
        ({"act": "set", "account": "bob", "role": "king"}, "A role is one of"),
        ({"act": "fly", "account": "bob"}, "An act is one of"),
        ({"act": "remove", "account": "bob", "reason": "x" * 501}, "at most 500"),
    ],
)
def test_a_wrong_form_is_told_what_is_wrong(browser, alice, bob, fields, said):
    answer = browser(alice).post(PAGE, fields)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert role_of("bob") == "contributor"


def test_members_read_the_list_and_find_no_form(browser, bob, recorded_actions):
    visitor = browser(bob)
    html = visitor.get(PAGE).content.decode()

    assert "alice" in html
    assert 'method="post"' not in html
    answer = visitor.post(PAGE, {"act": "set", "account": "bob", "role": "admin"}, page="/settings/tokens")
    assert answer.status_code == 403
    assert role_of("bob") == "contributor"


def test_names_of_members_stay_text(browser, alice, make_member):
    from accounts.models import Account

    make_member("eve", Role.VIEWER)
    Account.objects.filter(name="eve").update(display_name='<img src=x onerror="1">')

    html = browser(alice).get(PAGE).content.decode()

    assert "<img" not in html
    assert "&lt;img" in html


def test_many_members_come_in_pages(browser, alice, project, make_account, django_assert_max_num_queries):
    Membership.objects.bulk_create(
        [Membership(account=make_account(f"m{number:03}"), project=project, role=Role.VIEWER) for number in range(120)]
    )
    visitor = browser(alice)
    visitor.get(PAGE)

    with django_assert_max_num_queries(8):
        first = visitor.get(PAGE).content.decode()
    rest = visitor.get(f"{PAGE}{next_of(first)}").content.decode()

    assert ("m050" in first, "m119" in first) == (True, False)
    assert "m119" in rest


def next_of(html):
    import re
    from html import unescape

    return unescape(re.search(r'href="(\?cursor=[^"]+)"', html).group(1))


def test_a_project_is_described_archived_and_restored(browser, alice, recorded_actions):
    visitor = browser(alice)

    visitor.post(GENERAL, {"act": "describe", "description": "what we do"})
    visitor.post(GENERAL, {"act": "archive", "reason": "moved"})
    assert Project.objects.get(name="default").is_archived
    assert "archived" in visitor.get(GENERAL).content.decode()
    visitor.post(GENERAL, {"act": "restore", "reason": "back"})

    assert not Project.objects.get(name="default").is_archived
    assert Project.objects.get(name="default").description == "what we do"
    assert recorded_actions()[-3:] == ["project.update", "project.archive", "project.restore"]


def test_its_own_address_leads_to_its_first_page(browser, alice):
    answer = browser(alice).get("/projects/default/settings")

    assert answer.headers["Location"] == GENERAL


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (GENERAL, {"act": "describe", "description": "a\0b"}),
        (PAGE, {"act": "remove", "account": "bob", "reason": "a\0b"}),
        ("/settings/profile", {"act": "names", "display_name": "a\0b"}),
        ("/projects/default/settings/policies", {"name": "a\0b", "document": "{}", "format": "json"}),
    ],
)
def test_a_form_with_a_nul_is_refused_in_words(browser, alice, bob, path, fields):
    answer = browser(alice).post(path, fields)

    assert answer.status_code == 422
    assert "NUL" in answer.content.decode()
