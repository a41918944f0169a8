"""Tokens over REST."""

import pytest

from accounts.models import Token


def test_the_plaintext_is_shown_once(api, alice):
    client = api(alice)
    made = client.post("tokens", json={"name": "ci", "scopes": ["read"], "expires_in_days": 30})

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.json()["token"][-43:]
    assert secret not in client.get("tokens").content.decode()
    assert secret not in client.get(f"tokens/{made.json()['id']}").content.decode()


def test_a_new_token_works_until_it_is_revoked(api, alice):
    client = api(alice)
    made = client.post("tokens", json={"name": "ci", "scopes": ["read"]}).json()
    header = {"authorization": f"Bearer {made['token']}"}
    assert api(None).get("me", headers=header).json()["auth"]["scopes"] == ["read"]

    assert client.delete(f"tokens/{made['id']}").status_code == 204

    assert api(None).get("me", headers=header).status_code == 401
    assert client.get(f"tokens/{made['id']}").json()["state"] == "revoked"


def test_a_token_is_no_wider_than_the_one_that_asks(api, alice, recorded_actions):
    narrow = api(alice, scopes=("read", "manage"))

    refused = narrow.post("tokens", json={"name": "more", "scopes": ["*"]})

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/wider-than-maker")
    assert recorded_actions()[-1] == "access.denied"
    assert narrow.post("tokens", json={"name": "same", "scopes": ["read"]}).status_code == 201


def test_a_token_bound_to_a_project_makes_bound_ones(api, alice, project):
    bound = api(alice, project=project)

    assert bound.post("tokens", json={"name": "x", "scopes": ["read"]}).status_code == 403
    assert bound.post("tokens", json={"name": "x", "scopes": ["read"], "project": "default"}).status_code == 201


def test_a_token_without_manage_makes_and_lists_none(api, alice):
    logger = api(alice, scopes=("log",))

    assert logger.post("tokens", json={"name": "x", "scopes": ["log"]}).status_code == 403
    assert logger.get("tokens").status_code == 403


def test_a_leaked_token_can_be_ended_by_itself(api, alice):
    client = api(alice, scopes=("log",))
    own = Token.objects.get()

    assert client.delete(f"tokens/{own.uuid}").status_code == 204
    assert client.get("me").status_code == 401


def test_anothers_token_answers_like_a_missing_one(api, alice, bob):
    api(alice)
    hers = Token.objects.get(account__name="alice").uuid
    client = api(bob)

    for verb in ("get", "delete"):
        hidden = getattr(client, verb)(f"tokens/{hers}")
        missing = getattr(client, verb)("tokens/0190a000-0000-7000-8000-000000000000")
        assert hidden.status_code == missing.status_code == 404
    assert Token.objects.get(uuid=hers).revoked_at is None
    assert [token["account"] for token in client.get("tokens").json()["items"]] == ["bob"]


def test_a_server_admin_makes_tokens_of_services_and_not_of_people(api, root, bob, make_account):
    """What is done with a person's token was done by that person."""
    make_account("ci", kind="service")
    client = api(root)

    assert client.post("tokens", json={"name": "x", "scopes": ["log"], "account": "ci"}).status_code == 201
    assert client.post("tokens", json={"name": "x", "scopes": ["log"], "account": "bob"}).status_code == 403


def test_a_project_admin_makes_no_tokens_of_others(api, alice, make_account):
    make_account("ci", kind="service")

    assert api(alice).post("tokens", json={"name": "x", "scopes": ["log"], "account": "ci"}).status_code == 403


def test_a_token_for_a_project_one_cannot_see_is_not_found(api, mallory, project):
    response = api(mallory).post("tokens", json={"name": "x", "scopes": ["read"], "project": "default"})

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": ["root"]}, "scopes.0"),
        ({"scopes": []}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 1, "expires_at": "2030-01-01T00:00:00Z"}, "expires_in_days"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": ""}, "name"),
        ({"is_server_admin": True}, "is_server_admin"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused_by_field(api, alice, change, field):
    response = api(alice).post("tokens", json={"name": "ci", "scopes": ["read"]} | change)

    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]


def test_making_many_tokens_is_slowed_down(api, alice, settings):
    settings.LINEAL_RATE_LIMITS = {"make_secret": (0.1, 2)}
    client = api(alice)

    answers = [client.post("tokens", json={"name": "x", "scopes": ["read"]}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert client.get("tokens").status_code == 200, "reading is counted apart"
