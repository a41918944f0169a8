"""`lineal triggers`: one condition and one destination, credentials from stdin alone, firings with what came of them."""

import json

import pytest

ID = "0192a0b0-0000-7000-8000-0000000000d1"
FIRING = "0192a0b0-0000-7000-8000-0000000000d2"
TRIGGER = {
    "id": ID,
    "name": "retrain",
    "on": "calendar",
    "filter": {"cron": "0 3 * * MON", "timezone": "Europe/Berlin"},
    "action": "airflow",
    "address": "https://airflow.example.org",
    "settings": {"dag": "retrain", "api": "v2"},
    "cool_down_s": 3600,
    "enabled": True,
    "owner": "carol",
    "next_at": "2026-11-23T02:00:00.000000Z",
    "last_fired_at": None,
}


@pytest.fixture
def known(signed_in):
    signed_in.answer("GET", "/triggers", {"items": [TRIGGER], "next_cursor": None})
    return signed_in


@pytest.mark.parametrize(
    ("arguments", "stdin", "body"),
    [
        (
            ["--cron", "0 3 * * MON", "--timezone", "Europe/Berlin", "--webhook", "https://jobs.example.org/x"],
            None,
            {
                "on": "calendar",
                "filter": {"cron": "0 3 * * MON", "timezone": "Europe/Berlin"},
                "action": "webhook",
                "address": "https://jobs.example.org/x",
            },
        ),
        (
            ["--dataset", "train", "--github", "acme/fraud", "--event-type", "new-data", "--credential-stdin"],
            "ghp_secret\n",
            {
                "on": "dataset_version",
                "filter": {"dataset": "train"},
                "action": "github",
                "settings": {"repository": "acme/fraud", "event_type": "new-data"},
                "credentials": {"token": "ghp_secret"},
            },
        ),
        (
            ["--alert", "--kind", "drift", "--kind", "missing", "--severity", "critical", "--model", "fraud", "--env",
             "production", "--gitlab", "acme/fraud", "--ref", "trunk", "--cool-down", "6h", "--credential-stdin"],
            "glptt-secret",
            {
                "on": "alert",
                "filter": {
                    "kinds": ["drift", "missing"], "severity": "critical", "model": "fraud", "environment": "production"
                },
                "action": "gitlab",
                "settings": {"project": "acme/fraud", "ref": "trunk"},
                "credentials": {"token": "glptt-secret"},
                "cool_down_s": 21_600,
            },
        ),
        (
            ["--alert", "--airflow", "retrain", "--api", "v1", "--address", "https://airflow.example.org",
             "--credential-stdin", "--disabled", "--owner", "dave"],
            "lineal:pass:word\n",
            {
                "on": "alert",
                "filter": {},
                "action": "airflow",
                "settings": {"dag": "retrain", "api": "v1"},
                "address": "https://airflow.example.org",
                "credentials": {"username": "lineal", "password": "pass:word"},
                "enabled": False,
                "owner": "dave",
            },
        ),
    ],
)  # fmt: skip
def test_a_wish_is_sent_as_it_was_written(signed_in, lineal, arguments, stdin, body):
    signed_in.answer("POST", "/triggers", (201, TRIGGER | {"secret": None}))

    result = lineal("triggers", "add", "retrain", *arguments, stdin=stdin)

    assert result.exit_code == 0, result.output
    assert signed_in.asked("POST", "/triggers")[0].body == {"name": "retrain", **body}


def test_a_webhooks_secret_is_alone_on_stdout(signed_in, lineal):
    signed_in.answer("POST", "/triggers", (201, TRIGGER | {"secret": "whsec_x"}))

    result = lineal("triggers", "add", "retrain", "--dataset", "train", "--webhook", "https://x.org")

    assert result.stdout == "whsec_x\n"
    assert "not shown again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one condition of --cron, --dataset, --alert; none given"),
        (["--alert"], "give one destination"),
        (["--alert", "--dataset", "x", "--webhook", "https://x.org"], "2 given"),
        (["--dataset", "x", "--severity", "critical", "--webhook", "https://x.org"], "--severity goes with --alert"),
        (["--dataset", "x", "--kind", "drift", "--webhook", "https://x.org"], "--kind goes with --alert"),
        (["--dataset", "x", "--webhook", "https://x.org", "--ref", "main"], "--ref goes with --gitlab"),
        (["--dataset", "x", "--webhook", "https://x.org", "--address", "https://y.org"], "--webhook has the address"),
        (["--dataset", "x", "--github", "a/b", "--credential-stdin"], "nothing came from stdin"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_sent(signed_in, lineal, arguments, words):
    result = lineal("triggers", "add", "retrain", *arguments, stdin="")

    assert result.exit_code == 2
    assert words in result.stderr
    assert signed_in.requests == []


def test_a_trigger_is_changed_by_name(known, lineal):
    known.answer("PATCH", f"/triggers/{ID}", TRIGGER | {"enabled": False})

    result = lineal("triggers", "set", "retrain", "--disable", "--cool-down", "1d", "--cron", "0 4 * * *")

    assert result.stdout == "trigger retrain is disabled\n"
    assert known.asked("PATCH", f"/triggers/{ID}")[0].body == {
        "enabled": False,
        "cool_down_s": 86_400,
        "filter": {"cron": "0 4 * * *", "timezone": "Europe/Berlin"},
    }


def test_a_new_credential_comes_from_stdin(known, lineal):
    known.answer("PATCH", f"/triggers/{ID}", TRIGGER)

    lineal("triggers", "set", "retrain", "--address", "https://other.example", "--credential-stdin", stdin="token\n")

    assert known.asked("PATCH", f"/triggers/{ID}")[0].body == {
        "address": "https://other.example",
        "credentials": {"token": "token"},
    }


def test_nothing_to_change_is_a_mistake(known, lineal):
    assert lineal("triggers", "set", "retrain").exit_code == 2


@pytest.mark.parametrize("name", ["retrain", ID])
def test_a_trigger_is_fired_and_removed_by_name_or_id(known, lineal, name):
    known.answer("POST", f"/triggers/{ID}/fire", (201, {"id": FIRING}))
    known.answer("DELETE", f"/triggers/{ID}", (204, b""))

    assert lineal("triggers", "fire", name).stdout == f"cause:{FIRING}\n"
    assert lineal("triggers", "remove", name).stdout == "removed trigger retrain\n"
    assert lineal("triggers", "fire", "absent").exit_code == 1


def test_firings_show_what_came_of_them(known, lineal):
    row = {
        "id": FIRING,
        "cause": {"type": "alert", "label": "drift alert on fraud v7 in production"},
        "state": "sent",
        "detail": "",
        "fired_at": "2026-11-21T03:14:27.000000Z",
        "attempts": 1,
        "answer_status": 204,
        "run": "ab" * 16,
        "version": {"model": "fraud", "number": 8, "digest": "sha256:x"},
    }
    known.answer("GET", f"/triggers/{ID}/firings", {"items": [row], "next_cursor": None})

    result = lineal("triggers", "firings", "retrain", "--state", "sent")

    assert known.asked("GET", f"/triggers/{ID}/firings")[0].query["state"] == "sent"
    for shown in (FIRING, "drift alert on fraud v7 in production", "204", "ab" * 16, "fraud/8"):
        assert shown in result.stdout
    assert json.loads(lineal("triggers", "firings", "retrain", "--json").stdout) == [row]


def test_the_list_says_what_is_waited_for(known, lineal):
    line = lineal("triggers", "list").stdout.splitlines()[1]

    assert "cron=0 3 * * MON, timezone=Europe/Berlin" in line
    assert "2026-11-23 02:00:00Z" in line


def test_a_cause_can_be_followed(signed_in, lineal):
    """What `fire` prints is what `impact` takes."""
    node = {"id": 1, "kind": "cause", "key": FIRING, "label": "test by carol", "project": "default", "live": False}
    graph = {"starts": [1], "nodes": [node], "edges": [], "truncated": False, "hidden": 0, "weakest_strength": None}
    signed_in.answer("GET", "/lineage/impact", graph)

    result = lineal("impact", f"cause:{FIRING}")

    assert result.exit_code == 0, result.output
    assert "test by carol" in result.stdout
    assert signed_in.asked("GET", "/lineage/impact")[0].query["of"] == f"cause:{FIRING}"
