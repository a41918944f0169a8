"""Accounts of people and services by form: for administrators of the server, and readable by who shares a project."""

import re

import pytest

from accounts.models import Account, Token

pytestmark = pytest.mark.django_db

PAGE = "/settings/accounts"


def test_an_administrator_makes_a_service_and_its_token(browser, root, api, recorded_actions):
    visitor = browser(root)

    made = visitor.post(PAGE, {"kind": "service", "name": "pipeline"})
    assert made.headers["Location"] == f"{PAGE}/pipeline"
    answer = visitor.post(f"{PAGE}/pipeline", {"act": "token", "name": "nightly", "scopes": ["read"]})
    [shown, *_] = re.findall(r"lnl_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}", answer.content.decode())

    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert api().get("me", headers={"authorization": f"Bearer {shown}"}).json()["account"]["name"] == "pipeline"
    assert shown not in visitor.get(f"{PAGE}/pipeline").content.decode()
    assert recorded_actions()[-2:] == ["account.create", "token.create"]


def test_a_person_makes_their_own_tokens(browser, root, alice):
    answer = browser(root).post(f"{PAGE}/alice", {"act": "token", "name": "x", "scopes": ["read"]})

    assert answer.status_code == 422
    assert not Token.objects.exists()


def test_an_account_is_shut_out_and_let_in_again(browser, root, bob, recorded_actions):
    visitor, shut = browser(root), browser(bob)

    visitor.post(f"{PAGE}/bob", {"act": "deactivate", "reason": "has left"})
    assert shut.get("/").status_code == 302
    visitor.post(f"{PAGE}/bob", {"act": "reactivate", "reason": "is back"})

    assert Account.objects.get(name="bob").active
    assert recorded_actions()[-2:] == ["account.deactivate", "account.reactivate"]


def test_the_last_administrator_of_the_server_stays(browser, root):
    visitor = browser(root)

    assert visitor.post(f"{PAGE}/root", {"act": "deactivate"}).status_code == 409
    assert visitor.post(f"{PAGE}/root", {"act": "update", "display_name": "Root"}).status_code == 409
    assert Account.objects.get(name="root").is_server_admin


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "user", "name": "Not A Name"}, "A name is"),
        ({"kind": "user", "name": "root"}, "already"),
        ({"kind": "user", "name": "dora", "email": "nonsense"}, "no e-mail address"),
        ({"kind": "user", "name": "dora", "display_name": "x" * 201}, "at most 200"),
    ],
)
def test_a_wrong_account_is_told_what_is_wrong(browser, root, fields, said):
    answer = browser(root).post(PAGE, fields)

    assert answer.status_code in (409, 422)
    assert said in answer.content.decode()
    assert not Account.objects.filter(name="dora").exists()


def test_others_see_whom_they_share_a_project_with_and_no_mail(browser, bob, alice, mallory):
    Account.objects.filter(name="alice").update(email="alice@example.org")
    visitor = browser(bob)
    listed = visitor.get(PAGE).content.decode()

    assert "alice" in listed
    assert "mallory" not in listed
    assert "alice@example.org" not in listed + visitor.get(f"{PAGE}/alice").content.decode()
    assert visitor.get(f"{PAGE}/mallory").status_code == 404


def test_roles_in_projects_of_others_are_not_told(browser, bob, root, alice_account, make_project):
    """Neither by name nor by number."""
    make_project("secret-plans", admin=alice_account)
    visitor = browser(bob)

    assert "secret-plans" not in visitor.get(f"{PAGE}/alice").content.decode()
    assert ">Projects</th>" not in visitor.get(PAGE).content.decode()
    assert "secret-plans" in browser(root).get(f"{PAGE}/alice").content.decode()


def test_others_neither_make_nor_change_accounts(browser, alice, bob):
    visitor = browser(alice)

    assert "New account" not in visitor.get(PAGE).content.decode()
    for path, fields in ((PAGE, {"kind": "user", "name": "dora"}), (f"{PAGE}/bob", {"act": "deactivate"})):
        assert visitor.post(path, fields, page="/settings/tokens").status_code == 403
    assert Account.objects.get(name="bob").active


def test_one_changes_ones_own_names(browser, bob, recorded_actions):
    answer = browser(bob).post(
        "/settings/profile", {"act": "names", "display_name": "Bob the builder", "email": "bob@example.org"}
    )

    assert answer.status_code == 302
    assert Account.objects.get(name="bob").display_name == "Bob the builder"
    assert recorded_actions()[-1] == "account.update"


def test_only_administrators_of_the_server_make_projects(browser, root, alice):
    from accounts.models import Project

    assert "New project" not in browser(alice).get("/settings/profile").content.decode()
    assert browser(alice).post("/settings/profile", {"act": "project", "name": "mine"}).status_code == 403
    made = browser(root).post("/settings/profile", {"act": "project", "name": "mine"})

    assert made.headers["Location"] == "/projects/mine/settings/general"
    assert Project.objects.filter(name="mine").exists()


def test_the_theme_is_a_cookie_that_the_server_writes_into_the_page(browser, bob):
    """So it is there at the first paint, without a script."""
    visitor = browser(bob)
    assert "data-theme" not in visitor.get("/settings/profile").content.decode().partition("<head>")[0]

    visitor.post("/settings/theme", {"theme": "dark"}, page="/settings/profile")
    assert '<html lang="en" data-theme="dark">' in visitor.get("/").content.decode()
    assert 'data-theme="dark"' in visitor.get("/projects/nowhere/runs").content.decode()
    visitor.post("/settings/theme", {"theme": ""}, page="/settings/profile")

    assert '<html lang="en">' in visitor.get("/").content.decode()


def test_a_theme_that_is_none_is_not_written_into_the_page(browser, bob):
    visitor = browser(bob)
    visitor.client.cookies["lineal_theme"] = '"><script>alert(1)</script>'

    assert "<script>alert" not in visitor.get("/").content.decode()
