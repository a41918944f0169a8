"""A promotion result as exit code, words, JUnit and Markdown."""

import xml.etree.ElementTree as ET

import pytest
from lineal.cli.exits import ExitCode
from lineal.cli.results import exit_code, junit, markdown, words

DIGEST = "sha256:" + "9f2c" * 16


def make_result(decision="promoted", **changes):
    codes = {"promoted": 0, "waiting": 10, "gate_failed": 20}
    gate = {
        "id": "auc",
        "kind": "metric",
        "expr": "auc >= champion.auc - 0.002",
        "observed": 0.934,
        "limit": 0.929,
        "status": "pass",
    }
    return {
        "decision": decision,
        "exit_code": codes.get(decision, 0),
        "model": "fraud",
        "version": 42,
        "digest": DIGEST,
        "environment": "production",
        "gates": [gate],
        "idempotency_key": "gh:acme/fraud:1:1:fraud:production",
        **changes,
    }


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ("promoted", 0),
        ("already", 0),
        ("waiting", 10),
        ("gate_failed", 20),
        ("evidence_missing", 21),
        ("refused", 22),
        ("expired", 22),
        ("cancelled", 22),
        ("holder_differs", 23),
        ("frozen", 24),
        ("not_allowed", 30),
        ("not_identified", 31),
        ("unreachable", 40),
        ("unknown", 41),
    ],
)
def test_a_decision_has_the_exit_code_that_the_design_names(decision, code):
    assert exit_code({"decision": decision}) == code
    assert exit_code({"decision": decision, "exit_code": code}) == code


def test_an_unknown_decision_is_never_a_success():
    """A newer server may know decisions that this client does not: a pipeline must not go on over them."""
    assert exit_code({"decision": "teleported", "exit_code": 0}) is ExitCode.UNKNOWN
    assert exit_code({"decision": "gate_failed", "exit_code": 0}) is ExitCode.GATE_FAILED
    assert exit_code({}) is ExitCode.UNKNOWN
    assert exit_code({"decision": "promoted", "exit_code": 77}) is ExitCode.OK


def test_junit_has_a_case_for_every_gate_and_one_for_the_decision():
    gates = [
        {"id": "auc", "kind": "metric", "status": "fail", "observed": 0.9, "limit": 0.93, "expr": "auc >= 0.93"},
        {"id": "line", "kind": "lineage", "status": "pass"},
        {"id": "load", "kind": "evidence", "status": "missing", "detail": "no locust report"},
        {"id": "odd", "kind": "metric", "status": "error", "detail": "no such metric"},
    ]

    suites = ET.fromstring(junit(make_result("gate_failed", gates=gates)))

    suite = suites.find("testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "3",
        "errors": "1",
        "skipped": "0",
    }
    cases = {case.get("name"): case for case in suite}
    assert "observed 0.9, limit 0.93" in cases["auc"].find("failure").get("message")
    assert list(cases["line"]) == []
    assert cases["load"].find("failure").get("type") == "missing"
    assert cases["odd"].find("error") is not None
    assert cases["decision"].find("failure").get("type") == "gate_failed"


def test_junit_shows_a_waiting_approval_as_skipped():
    """Waiting is neither broken nor done; a red test would send people looking for a fault."""
    gates = [{"id": "risk", "kind": "approval", "status": "waiting", "detail": "0 of 1"}]

    suite = ET.fromstring(junit(make_result("waiting", gates=gates))).find("testsuite")

    assert suite.get("failures") == "0"
    assert suite.get("skipped") == "2"


def test_junit_survives_names_that_are_not_xml():
    text = junit(
        make_result(model="fr\x00aud <&\"'\x1b[31m", gates=[{"id": "\ud800", "kind": "]]>", "status": "pass"}])
    )

    assert ET.fromstring(text.encode("utf-8")).find("testsuite") is not None


def test_words_cannot_steer_the_terminal():
    lines = words(make_result(model="fraud\x1b[2J", approvals=[{"by": "bob\u202e", "reason": "a\nb"}]))

    assert all(line.isprintable() for line in lines)


def test_the_summary_keeps_other_peoples_names_as_text():
    text = markdown(make_result(gates=[{"id": "a|b <img src=x>", "kind": "metric", "status": "pass"}]))

    assert "<img" not in text.replace("\\<img", "")
    assert "a\\|b" in text


def test_a_plan_says_would():
    assert words(make_result(dry_run=True))[0].endswith("would be promoted now")
    assert words(make_result("gate_failed", dry_run=True))[0].endswith("would not be promoted: a gate failed")


def test_a_rollback_is_called_one():
    assert words(make_result(kind="rollback"))[0].endswith("production: rolled back")
