"""`lineal intake`: hooks by name, and a secret that is alone on stdout."""

import json

import pytest

ID = "0192a0b0-0000-7000-8000-0000000000f1"
HOOK = {
    "id": ID,
    "name": "nightly",
    "model": "fraud",
    "at": "production",
    "enabled": True,
    "path": f"/api/v1/intake/{ID}",
    "last_received_at": None,
    "created_at": "2026-11-21T03:14:27.000000Z",
    "created_by": "carol",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def hooks(signed_in):
    signed_in.answer("GET", "/intake-hooks", {"items": [HOOK], "next_cursor": None})
    return signed_in


def test_a_new_hooks_secret_is_alone_on_stdout(hooks, lineal):
    """`SECRET=$(lineal intake add …)` has to work, and the address is said beside it."""
    hooks.answer("POST", "/intake-hooks", (201, HOOK | {"secret": SECRET}))

    result = lineal("intake", "add", "nightly", "--model", "fraud", "--at", "production")

    assert result.stdout == f"{SECRET}\n"
    assert f"POST to {hooks.url}/api/v1/intake/{ID};" in result.stderr
    (request,) = hooks.asked("POST", "/intake-hooks")
    assert request.body == {"name": "nightly", "model": "fraud", "at": "production"}
    assert json.loads(lineal("intake", "add", "nightly", "--model", "fraud", "--json").stdout)["secret"] == SECRET


@pytest.mark.parametrize("name", ["nightly", ID])
def test_a_hook_is_found_by_name_or_id(hooks, lineal, name):
    hooks.answer("DELETE", f"/intake-hooks/{ID}", (204, b""))
    hooks.answer("POST", f"/intake-hooks/{ID}/secret", HOOK | {"secret": SECRET})

    assert lineal("intake", "renew", name).stdout == f"{SECRET}\n"
    assert lineal("intake", "remove", name).stdout == "removed intake hook nightly\n"


def test_a_hook_that_is_not_there_is_said(hooks, lineal):
    result = lineal("intake", "remove", "weekly")

    assert (result.exit_code, result.stderr) == (1, "lineal: there is no intake hook 'weekly'\n")


def test_a_hook_is_switched_off_and_pointed_elsewhere(hooks, lineal):
    hooks.answer("PATCH", f"/intake-hooks/{ID}", HOOK | {"enabled": False, "at": ""})

    result = lineal("intake", "set", "nightly", "--disable", "--at", "")

    assert hooks.asked("PATCH", f"/intake-hooks/{ID}")[0].body == {"at": "", "enabled": False}
    assert result.stdout == "intake hook nightly is disabled, at the newest version\n"
    assert lineal("intake", "set", "nightly").exit_code == 2


def test_the_list_shows_where_to_send(hooks, lineal):
    line = lineal("intake", "list").stdout.splitlines()[1]

    assert line.split() == ["nightly", "fraud", "production", "yes", "-", f"{hooks.url}/api/v1/intake/{ID}"]
