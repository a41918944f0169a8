"""Accounts of people and services over REST."""

import pytest


def test_a_server_admin_makes_accounts(api, root, recorded_actions):
    client = api(root)

    user = client.post("users", json={"name": "carol", "display_name": "Carol", "email": "carol@example.com"})
    robot = client.post("service-accounts", json={"name": "ci"})

    assert (user.status_code, user.json()["kind"], user.json()["email"]) == (201, "user", "carol@example.com")
    assert (robot.status_code, robot.json()["kind"]) == (201, "service")
    assert recorded_actions()[-2:] == ["account.create", "account.create"]


def test_users_and_service_accounts_are_two_lists(api, root, make_account):
    make_account("ci", kind="service")
    client = api(root)

    assert [account["name"] for account in client.get("users").json()["items"]] == ["root"]
    assert [account["name"] for account in client.get("service-accounts").json()["items"]] == ["ci"]
    assert client.get("users/ci").status_code == 404


def test_one_changes_ones_own_name_and_not_anothers(api, alice, bob):
    client = api(bob)

    assert client.patch("users/bob", json={"display_name": "Robert"}).json()["display_name"] == "Robert"
    assert client.patch("users/alice", json={"display_name": "Al"}).status_code == 403


def test_nobody_makes_themselves_server_admin(api, alice):
    assert api(alice).patch("users/alice", json={"is_server_admin": True}).status_code == 403


def test_a_narrow_token_does_not_change_its_account(api, bob):
    assert api(bob, scopes=("read", "log")).patch("users/bob", json={"display_name": "x"}).status_code == 403


def test_deactivation_shuts_out_at_once(api, root, bob, recorded_actions):
    victim, admin = api(bob), api(root)
    assert victim.get("me").status_code == 200

    response = admin.post("users/bob/deactivate", json={"reason": "left"})

    assert response.json()["active"] is False
    assert victim.get("me").status_code == 401
    assert admin.post("users/bob/reactivate", json={}).json()["active"] is True
    assert victim.get("me").status_code == 401, "the token was revoked for good"


@pytest.mark.parametrize("body", [{"name": "Carol"}, {"name": "carol", "email": "nope"}, {"name": 7.5, "x": 1}, {}, []])
def test_a_body_that_makes_no_sense_is_refused(api, root, body):
    response = api(root).post("users", json=body)

    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"


def test_me_says_who_one_is_and_what_the_token_may(api, bob, project):
    body = api(bob, scopes=("log", "read"), project=project).get("me").json()

    assert body["account"]["name"] == "bob"
    assert body["auth"]["scopes"] == ["log", "read"]
    assert (body["auth"]["method"], body["auth"]["project"]) == ("api_token", "default")
    assert body["projects"] == [{"name": "default", "role": "contributor"}]


def test_a_stranger_learns_name_version_and_keys_of_the_server_and_nothing_else(api, db):
    response = api(None).get("server")

    assert response.status_code == 200
    assert set(response.json()) == {"name", "version", "vkey", "origin", "rotations", "cosigner_vkey"}
