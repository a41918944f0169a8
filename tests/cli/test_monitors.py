"""`lineal monitors` and `lineal alerts`: what is asked of the server, and what a person reads."""

import json

import pytest

ID = "0192a0b0-0000-7000-8000-0000000000e1"
MONITOR = {
    "id": ID,
    "version": {"model": "fraud", "number": 7, "digest": "sha256:" + "9" * 64},
    "environment": "production",
    "enabled": True,
    "window_s": 86_400,
    "owner": "carol",
    "last_state": "warn",
    "last_start": "2026-11-25T00:00:00.000000Z",
}
WINDOW = {
    "id": "0192a0b0-0000-7000-8000-0000000000e2",
    "start": "2026-11-25T00:00:00.000000Z",
    "state": "evaluated",
    "detail": "",
    "evaluation": {"state": "warn", "rows": 2_000, "alarms": {"drift": "warn"}},
}
ALERT = {
    "id": ID,
    "title": "Drift, fraud v7 in production",
    "message": "amount: the distribution moved (PSI 0.31).",
    "severity": "critical",
    "state": "open",
    "columns": ["amount", "a\x1b[31mge"],
    "first_window": {"start": "2026-11-24T00:00:00.000000Z"},
    "last_window": {"start": "2026-11-25T00:00:00.000000Z"},
    "opened_at": "2026-11-25T01:00:00.000000Z",
    "owner": "carol",
    "acknowledged_by": "bob",
    "closed_by": "bob",
    "reason": "",
}


def page(*items):
    return {"items": list(items), "next_cursor": None}


@pytest.fixture
def known(signed_in):
    signed_in.answer("GET", "/monitors", page(MONITOR))
    return signed_in


def test_monitors_are_listed_with_how_they_do(known, lineal):
    result = lineal("monitors", "list", "--model", "fraud", "--env", "production")

    assert result.exit_code == 0, result.output
    assert "fraud/7" in result.stdout
    assert "warn" in result.stdout
    assert known.asked("GET", "/monitors")[0].query["model"] == "fraud"


def test_a_monitor_is_found_by_model_and_environment(known, lineal):
    known.answer("GET", f"/monitors/{ID}/windows", page(WINDOW))

    shown = lineal("monitors", "show", "fraud@production")
    document = json.loads(lineal("monitors", "show", "fraud@production", "--json").stdout)

    assert "drift" in shown.stdout
    assert document == {**MONITOR, "windows": [WINDOW]}


def test_what_is_not_watched_is_said_so(signed_in, lineal):
    signed_in.answer("GET", "/monitors", page())

    result = lineal("monitors", "show", "fraud@staging")

    assert result.exit_code == 1
    assert "no version of 'fraud' is watched in 'staging'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        (["--window", "1h", "--grace", "10m"], {"window_s": 3_600, "grace_s": 600}),
        (["--disable", "--owner", "dave"], {"enabled": False, "owner": "dave"}),
        (["--severity", "critical", "--silence", "0", "--learn", "14"],
         {"severity": "critical", "silence_windows": 0, "learn_windows": 14}),
        (["--include", "age", "--exclude", "id", "--exclude", "at"],
         {"columns": {"include": ["age"], "exclude": ["id", "at"]}}),
        (["--all-columns"], {"columns": {"include": [], "exclude": []}}),
        (["--quiet", "22:00-07:00", "--timezone", "Europe/Berlin"],
         {"quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}}),
        (["--quiet", "none"], {"quiet_hours": None}),
    ],
)  # fmt: skip
def test_a_monitor_is_changed(known, lineal, arguments, changes):
    known.answer("PATCH", f"/monitors/{ID}", MONITOR)

    result = lineal("monitors", "set", "fraud@production", *arguments)

    assert result.stdout == "monitor of fraud/7 in production is enabled\n"
    assert known.asked("PATCH", f"/monitors/{ID}")[0].body == changes


def test_limits_come_from_a_file(known, lineal, tmp_path):
    known.answer("PATCH", f"/monitors/{ID}", MONITOR)
    (tmp_path / "limits.json").write_text('{"psi_warn": 0.2}')

    lineal("monitors", "set", "fraud@production", "--limits", str(tmp_path / "limits.json"))

    assert known.asked("PATCH", f"/monitors/{ID}")[0].body == {"limits": {"psi_warn": 0.2}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say what to change"),
        (["--quiet", "at night"], "write it as 22:00-07:00"),
        (["--all-columns", "--exclude", "x"], "--all-columns goes with neither"),
        (["--limits", "/nowhere.json"], "--limits /nowhere.json"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(signed_in, lineal, arguments, words):
    result = lineal("monitors", "set", "fraud@production", *arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert signed_in.requests == []


def test_alerts_that_are_not_closed_are_listed(signed_in, lineal):
    signed_in.answer("GET", "/alerts", page(ALERT))

    result = lineal("alerts", "list", "--kind", "drift")
    lineal("alerts", "list", "--all")

    assert "Drift, fraud v7 in production" in result.stdout
    first, second = signed_in.asked("GET", "/alerts")
    assert (first.query["state"], first.query["kind"]) == ("active", "drift")
    assert "state" not in second.query


def test_an_alert_is_shown_and_cannot_steer_the_terminal(signed_in, lineal):
    signed_in.answer("GET", f"/alerts/{ID}", ALERT)

    result = lineal("alerts", "show", ID)

    assert "the distribution moved" in result.stdout
    assert "2026-11-24 00:00:00Z to 2026-11-25 00:00:00Z" in result.stdout
    assert "\x1b" not in result.stdout


def test_an_alert_is_taken_on_and_closed(signed_in, lineal):
    signed_in.answer("POST", f"/alerts/{ID}/acknowledge", ALERT)
    signed_in.answer("POST", f"/alerts/{ID}/close", ALERT)

    taken = lineal("alerts", "ack", ID)
    unexplained = lineal("alerts", "close", ID)
    closed = lineal("alerts", "close", ID, "--reason", "a campaign")

    assert taken.stdout == "Drift, fraud v7 in production: acknowledged by bob\n"
    assert unexplained.exit_code == 2
    assert closed.stdout == "Drift, fraud v7 in production: closed by bob\n"
    assert signed_in.asked("POST", f"/alerts/{ID}/close")[0].body == {"reason": "a campaign"}
