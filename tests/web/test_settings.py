"""A person's tokens by form: shown once, never wider than asked, gone when revoked."""

import re

import pytest

from accounts.models import Token

pytestmark = pytest.mark.django_db


def plaintext_in(html):
    return re.findall(r"lnl_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}", html)


def test_a_new_token_is_shown_once_and_works(browser, alice, api, recorded_actions):
    visitor = browser(alice)

    answer = visitor.post("/settings/tokens", {"name": "nightly", "scopes": ["read", "log"], "expires_in_days": "30"})
    [shown, *_] = plaintext_in(answer.content.decode())

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert plaintext_in(visitor.get("/settings/tokens").content.decode()) == []
    assert api().get("me", headers={"authorization": f"Bearer {shown}"}).status_code == 200
    token = Token.objects.get()
    assert (token.name, token.scopes, token.expires_at is not None) == ("nightly", ["log", "read"], True)
    assert recorded_actions()[-1] == "token.create"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "scopes": ["read"]}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": ["fly"]}, "fly"),
        ({"name": "x", "scopes": ["read"], "expires_in_days": "soon"}, "days"),
        ({"name": "x", "scopes": ["read"], "expires_in_days": "0"}, "days"),
    ],
)
def test_a_wrong_form_is_told_what_is_wrong_and_keeps_its_fields(browser, alice, fields, said):
    answer = browser(alice).post("/settings/tokens", fields)
    html = answer.content.decode()

    assert answer.status_code == 422
    assert said in re.search(r'role="alert">(.*?)</p>', html).group(1)
    assert f'value="{fields["name"]}"' in html
    assert not Token.objects.exists()


def test_a_token_can_be_bound_to_a_project_one_is_in(browser, alice, mallory, project):
    fields = {"name": "x", "scopes": ["read"], "project": project.name}

    assert browser(alice).post("/settings/tokens", fields).status_code == 201
    assert browser(mallory).post("/settings/tokens", fields).status_code == 404
    assert [token.project_id for token in Token.objects.all()] == [project.id]


def test_a_revoked_token_stops_working(browser, alice, api, make_token):
    plaintext = make_token(alice)
    token = Token.objects.get()

    answer = browser(alice).post(
        f"/settings/tokens/{token.uuid}/revoke", {"reason": "lost laptop"}, page="/settings/tokens"
    )

    assert answer.status_code == 302
    assert api().get("me", headers={"authorization": f"Bearer {plaintext}"}).status_code == 401


def test_anothers_token_is_neither_listed_nor_revoked(browser, alice, mallory, make_token):
    make_token(alice)
    token = Token.objects.get()
    visitor = browser(mallory)

    assert token.prefix not in visitor.get("/settings/tokens").content.decode()
    answer = visitor.post(f"/settings/tokens/{token.uuid}/revoke", {}, page="/settings/tokens")
    assert answer.status_code == 404
    assert Token.objects.get().revoked_at is None


def test_the_profile_names_roles_by_project(browser, alice, bob):
    assert "admin" in browser(alice).get("/settings/profile").content.decode()
    assert "contributor" in browser(bob).get("/settings/profile").content.decode()


def test_a_profile_without_projects_says_so(browser, mallory):
    assert (
        "An administrator of a project can give you a role"
        in browser(mallory).get("/settings/profile").content.decode()
    )
