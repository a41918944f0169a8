"""`lineal users`, `service-accounts`, `projects` and `tokens`: each act is the request it says it is."""

import json

import pytest

ACTS = [
    (("users", "create", "bob"), "POST", "/users", {"name": "bob", "display_name": "", "is_server_admin": False}),
    (("users", "deactivate", "bob", "--reason", "left"), "POST", "/users/bob/deactivate", {"reason": "left"}),
    (("service-accounts", "create", "ci"), "POST", "/service-accounts", {"name": "ci", "display_name": ""}),
    (("projects", "create", "cards"), "POST", "/projects", {"name": "cards", "description": ""}),
    (
        ("projects", "members", "set", "cards", "bob", "approver"),
        "PUT",
        "/projects/cards/members/bob",
        {"role": "approver"},
    ),
    (("projects", "members", "remove", "cards", "bob"), "DELETE", "/projects/cards/members/bob", b""),
    (("tokens", "revoke", "t1"), "DELETE", "/tokens/t1", b""),
]


@pytest.mark.parametrize(("command", "method", "path", "body"), ACTS)
def test_an_act_sends_what_it_says(signed_in, lineal, command, method, path, body):
    signed_in.answer(method, path, (204, b"") if method == "DELETE" else {"name": "x"})

    result = lineal(*command)

    assert result.exit_code == 0, result.output
    (request,) = signed_in.asked(method, path)
    assert request.body == body
    assert request.query == {}


@pytest.mark.parametrize(("command", "method", "path", "_"), ACTS)
def test_an_act_answers_in_json_too(signed_in, lineal, command, method, path, _):
    signed_in.answer(method, path, (204, b"") if method == "DELETE" else {"name": "x"})

    assert json.loads(lineal(*command, "--json").stdout)


def test_a_new_token_is_alone_on_stdout(signed_in, lineal):
    """`TOKEN=$(lineal tokens create …)` has to work."""
    made = {"token": "lnl_new", "expires_at": "2026-12-21T03:14:27.000000Z"}
    signed_in.answer("POST", "/tokens", (201, made))

    result = lineal("tokens", "create", "pipeline", "--account", "ci", "--scope", "promote", "--only-project", "cards")

    assert result.stdout == "lnl_new\n"
    assert signed_in.asked("POST", "/tokens")[0].body == {
        "name": "pipeline",
        "scopes": ["promote"],
        "expires_in_days": 90,
        "account": "ci",
        "project": "cards",
    }


def test_a_token_reads_only_unless_more_is_asked_for(signed_in, lineal):
    signed_in.answer("POST", "/tokens", (201, {"token": "lnl_new", "expires_at": None}))

    lineal("tokens", "create", "laptop")

    assert signed_in.asked("POST", "/tokens")[0].body["scopes"] == ["read"]


def test_a_persons_link_is_alone_on_stdout(signed_in, lineal):
    link = {"url": "http://h/login#s", "expires_at": "2026-11-21T03:14:27.000000Z"}
    signed_in.answer("POST", "/login-links", (201, link))

    assert lineal("users", "link", "bob").stdout == "http://h/login#s\n"
    assert signed_in.asked("POST", "/login-links")[0].body == {"account": "bob"}


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("users", "list"), "/users"),
        (("service-accounts", "list"), "/service-accounts"),
        (("projects", "list"), "/projects"),
        (("projects", "members", "list", "cards"), "/projects/cards/members"),
        (("tokens", "list"), "/tokens"),
        (("experiments", "list"), "/experiments"),
        (("policy", "list"), "/policies"),
        (("promotions", "list"), "/promotions"),
        (("audit", "list"), "/audit/events"),
    ],
)
def test_a_list_shows_a_row_for_every_item(signed_in, lineal, command, path):
    signed_in.answer("GET", path, {"items": [{"name": "a", "id": "a"}, {"name": "b", "id": "b"}], "next_cursor": None})

    assert len(lineal(*command).stdout.splitlines()) == 3
    assert len(json.loads(lineal(*command, "--json").stdout)) == 2


@pytest.mark.parametrize("command", [("users", "list"), ("tokens", "list"), ("audit", "list")])
def test_an_empty_list_says_so_on_stderr(signed_in, lineal, command):
    path = {"users": "/users", "tokens": "/tokens", "audit": "/audit/events"}[command[0]]
    signed_in.answer("GET", path, {"items": [], "next_cursor": None})

    result = lineal(*command)

    assert result.stdout == ""
    assert result.stderr.startswith("no ")
