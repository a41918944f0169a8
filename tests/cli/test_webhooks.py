"""`lineal webhooks`: one place each, addresses that are secrets from stdin alone, and a test that waits for what comes of it."""

import json

import pytest

ID = "0192a0b0-0000-7000-8000-0000000000e1"
DELIVERY = "0192a0b0-0000-7000-8000-0000000000e2"
SUBSCRIPTION = {
    "id": ID,
    "name": "ops",
    "kind": "webhook",
    "target": "https://ops.example.org/…",
    "events": ["alert.*", "promotion.*"],
    "least_severity": "warn",
    "enabled": True,
    "disabled_because": "",
    "failing_since": None,
    "last_state": "delivered",
    "last_at": "2026-11-21T03:14:27.000000Z",
    "created_at": "2026-11-20T03:14:27.000000Z",
    "created_by": "carol",
}
SENT = {
    "id": DELIVERY,
    "event": "test",
    "title": "Test of the subscription ops",
    "state": "pending",
    "detail": "",
    "attempts": 0,
    "next_at": None,
    "created_at": "2026-11-21T03:14:27.000000Z",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("lineal.cli.webhooks._FIRST_POLL_S", 0.001)


@pytest.fixture
def known(signed_in):
    signed_in.answer("GET", "/subscriptions", {"items": [SUBSCRIPTION], "next_cursor": None})
    return signed_in


@pytest.mark.parametrize(
    ("arguments", "stdin", "body"),
    [
        (["--webhook", "https://x.org"], None, {"kind": "webhook", "target": "https://x.org"}),
        (["--webhook", "-"], "https://x.org/?key=1\n", {"kind": "webhook", "target": "https://x.org/?key=1"}),
        (
            ["--slack", "--event", "alert.*", "--event", "promotion.waiting", "--severity", "critical", "--disabled"],
            "https://hooks.slack.com/services/x\n",
            {
                "kind": "slack",
                "target": "https://hooks.slack.com/services/x",
                "events": ["alert.*", "promotion.waiting"],
                "least_severity": "critical",
                "enabled": False,
            },
        ),
        (["--teams"], "https://prod.logic.azure.com/x", {"kind": "teams", "target": "https://prod.logic.azure.com/x"}),
        (["--email", "a@x.org", "--email", "b@x.org"], None, {"kind": "email", "target": "a@x.org, b@x.org"}),
    ],
)
def test_a_wish_is_sent_as_it_was_written(signed_in, lineal, arguments, stdin, body):
    signed_in.answer("POST", "/subscriptions", (201, SUBSCRIPTION | {"secret": None}))

    result = lineal("webhooks", "add", "ops", *arguments, stdin=stdin)

    assert result.exit_code == 0, result.output
    assert signed_in.asked("POST", "/subscriptions")[0].body == {"name": "ops", **body}
    assert result.stdout == "subscription ops made\n"


def test_a_secret_is_alone_on_stdout(known, lineal):
    made = SUBSCRIPTION | {"secret": "whsec_x"}
    known.answer("POST", "/subscriptions", (201, made))
    known.answer("POST", f"/subscriptions/{ID}/secret", made)

    for arguments in (["add", "ops", "--webhook", "https://x.org"], ["rotate", "ops"]):
        result = lineal("webhooks", *arguments)
        assert result.stdout == "whsec_x\n"
        assert "not shown again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "ops"], "none given"),
        (["add", "ops", "--slack", "--teams"], "2 given"),
        (["add", "ops", "--slack"], "nothing came"),
        (["add", "ops", "--webhook", "-"], "nothing came"),
        (["set", "ops"], "say what to change"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(signed_in, lineal, arguments, words):
    result = lineal("webhooks", *arguments, stdin="")

    assert result.exit_code == 2
    assert words in result.stderr
    assert signed_in.requests == []


def test_the_list_says_where_and_how_it_goes(known, lineal):
    line = lineal("webhooks", "list").stdout.splitlines()[1]

    for shown in ("ops", "https://ops.example.org/…", "alert.*, promotion.*", "warn", "enabled", "delivered"):
        assert shown in line
    assert json.loads(lineal("webhooks", "list", "--json").stdout) == [SUBSCRIPTION]


def test_one_is_shown_with_why_it_was_disabled(signed_in, lineal):
    row = SUBSCRIPTION | {"enabled": False, "disabled_because": "The receiver answered 410: it is gone for good."}
    signed_in.answer("GET", "/subscriptions", {"items": [row], "next_cursor": None})

    shown = lineal("webhooks", "show", ID).stdout

    assert "410" in shown
    assert "disabled" in shown


def test_a_subscription_is_changed_by_name(known, lineal):
    known.answer("PATCH", f"/subscriptions/{ID}", SUBSCRIPTION | {"enabled": False})

    result = lineal(
        "webhooks", "set", "ops", "--disable", "--event", "alert.*", "--target-stdin", stdin="https://y.org\n"
    )

    assert result.stdout == "subscription ops is disabled, of alert.*, promotion.*\n"
    assert known.asked("PATCH", f"/subscriptions/{ID}")[0].body == {
        "enabled": False,
        "events": ["alert.*"],
        "target": "https://y.org",
    }


def test_a_test_waits_for_what_comes_of_it(known, lineal):
    known.answer("POST", f"/subscriptions/{ID}/test", (201, SENT))
    known.answer("GET", f"/deliveries/{DELIVERY}", SENT, SENT | {"state": "delivered", "attempts": 1})

    result = lineal("webhooks", "test", "ops")

    assert (result.exit_code, result.stdout) == (0, f"delivered {DELIVERY}\n")
    assert len(known.asked("GET", f"/deliveries/{DELIVERY}")) == 2


@pytest.mark.parametrize(
    "outcome",
    [
        {"state": "failed", "attempts": 1, "detail": "The answer was 404."},
        {"state": "pending", "attempts": 1, "detail": "The answer was 404.", "tries": [{"duration_ms": 4}]},
    ],
)
def test_a_test_that_was_not_taken_fails(known, lineal, outcome):
    known.answer("POST", f"/subscriptions/{ID}/test", (201, SENT))
    known.answer("GET", f"/deliveries/{DELIVERY}", SENT | outcome)

    result = lineal("webhooks", "test", "ops")

    assert result.exit_code == 1
    assert f"is {outcome['state']}: The answer was 404." in result.stderr
    assert json.loads(lineal("webhooks", "test", "ops", "--json").stdout)["state"] == outcome["state"]


def test_a_try_under_way_is_waited_for_and_not_for_ever(known, lineal):
    known.answer("POST", f"/subscriptions/{ID}/test", (201, SENT))
    known.answer("GET", f"/deliveries/{DELIVERY}", SENT | {"attempts": 1, "tries": [{"duration_ms": None}]})

    result = lineal("webhooks", "test", "ops", "--wait", "1s")

    assert result.exit_code == 1
    assert "is a worker running?" in result.stderr
    assert len(known.asked("GET", f"/deliveries/{DELIVERY}")) > 1


def test_nobody_has_to_wait(known, lineal):
    known.answer("POST", f"/subscriptions/{ID}/test", (201, SENT))

    assert lineal("webhooks", "test", "ops", "--wait", "0s").stdout == f"pending {DELIVERY}\n"


def test_deliveries_show_what_came_of_them_and_are_replayed(known, lineal):
    row = SENT | {"state": "failed", "attempts": 1, "detail": "The answer was 404."}
    known.answer("GET", f"/subscriptions/{ID}/deliveries", {"items": [row], "next_cursor": None})
    known.answer("POST", f"/deliveries/{DELIVERY}/replay", SENT)
    known.answer("GET", f"/deliveries/{DELIVERY}", SENT | {"state": "delivered"})

    listed = lineal("webhooks", "deliveries", "ops", "--state", "failed")
    replayed = lineal("webhooks", "replay", DELIVERY)

    assert known.asked("GET", f"/subscriptions/{ID}/deliveries")[0].query["state"] == "failed"
    for shown in (DELIVERY, "Test of the subscription ops", "failed", "The answer was 404."):
        assert shown in listed.stdout
    assert replayed.stdout == f"delivered {DELIVERY}\n"


def test_a_subscription_is_removed_by_name(known, lineal):
    known.answer("DELETE", f"/subscriptions/{ID}", (204, b""))

    assert lineal("webhooks", "remove", "ops").stdout == "removed subscription ops\n"
    assert lineal("webhooks", "remove", "absent").exit_code == 1
