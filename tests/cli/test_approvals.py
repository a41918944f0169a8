"""`lineal approve` and `refuse`: a person decides on the digest that was shown."""

import json

import pytest

from tests.cli.conftest import DIGEST, OTHER_DIGEST, Drop, problem

ID = "0192a0b0-0000-7000-8000-000000000001"
APPROVALS = f"/promotions/{ID}/approvals"


@pytest.fixture
def waiting(signed_in, make_result):
    """A server with one promotion that waits."""
    result = make_result("waiting", exit_code=10)
    signed_in.answer("GET", f"/promotions/{ID}", result)
    signed_in.answer("GET", "/promotions", {"items": [result], "next_cursor": None})
    signed_in.answer("POST", APPROVALS, make_result())
    return signed_in


def test_an_approval_is_for_the_digest_that_was_shown(waiting, lineal):
    result = lineal("approve", ID, "--reason", "checked the report")

    assert result.exit_code == 0
    assert waiting.asked("POST", APPROVALS)[0].body == {
        "decision": "approve",
        "reason": "checked the report",
        "digest": DIGEST,
    }


def test_the_one_that_waits_is_found_by_model_and_environment(waiting, lineal):
    lineal("approve", "--model", "fraud", "--environment", "production", "--reason", "r")

    query = waiting.asked("GET", "/promotions")[0].query
    assert (query["model"], query["environment"], query["state"]) == ("fraud", "production", "waiting")
    assert len(waiting.asked("POST", APPROVALS)) == 1


def test_two_that_wait_are_not_guessed_between(waiting, lineal, make_result):
    both = [make_result("waiting"), make_result("waiting", id="other")]
    waiting.answer("GET", "/promotions", {"items": both, "next_cursor": None})

    result = lineal("approve", "--model", "fraud", "--environment", "production", "--reason", "r")

    assert result.exit_code == 1
    assert "other" in result.stderr
    assert waiting.asked("POST", APPROVALS) == []


def test_another_digest_than_the_expected_is_not_approved(waiting, lineal):
    result = lineal("approve", ID, "--reason", "r", "--digest", OTHER_DIGEST)

    assert result.exit_code == 1
    assert waiting.asked("POST", APPROVALS) == []


@pytest.mark.parametrize("arguments", [(), (ID, "--model", "fraud"), ("--model", "fraud")])
def test_which_promotion_has_to_be_said_once(waiting, lineal, arguments):
    assert lineal("approve", *arguments, "--reason", "r").exit_code == 2


@pytest.mark.parametrize(("decision", "code"), [("waiting", 0), ("promoted", 0), ("gate_failed", 20), ("frozen", 24)])
def test_an_approval_that_was_recorded_is_a_success(waiting, lineal, make_result, decision, code):
    """More approvals may be needed: this one was given. A gate that fails now is the promotion's own code."""
    waiting.answer("POST", APPROVALS, make_result(decision, exit_code={"waiting": 10}.get(decision, code)))

    assert lineal("approve", ID, "--reason", "r").exit_code == code


def test_a_refusal_that_was_recorded_is_a_success(waiting, lineal, make_result):
    waiting.answer("POST", APPROVALS, make_result("refused", exit_code=22))

    result = lineal("refuse", ID, "--reason", "trained on last year's data")

    assert result.exit_code == 0
    assert waiting.asked("POST", APPROVALS)[0].body["decision"] == "refuse"
    assert "the approval was refused" in result.stderr


def test_a_rollback_names_the_digest_it_went_back_to(signed_in, lineal, make_result):
    signed_in.answer("POST", "/models/fraud/rollbacks", make_result(digest=OTHER_DIGEST))

    result = lineal("rollback", "fraud", "--env", "production", "--reason", "alerts since 03:00")

    assert result.exit_code == 0
    assert result.stdout == f"{OTHER_DIGEST}\n"
    assert signed_in.asked("POST", "/models/fraud/rollbacks")[0].body == {
        "environment": "production",
        "reason": "alerts since 03:00",
    }


def test_a_rollback_sends_what_is_expected_to_be_there(signed_in, lineal, make_result):
    signed_in.answer("POST", "/models/fraud/rollbacks", make_result(decision="holder_differs"))

    result = lineal("rollback", "fraud", "--env", "production", "--reason", "r", "--expect-current", OTHER_DIGEST)

    assert signed_in.asked("POST", "/models/fraud/rollbacks")[0].body["expect_current"] == OTHER_DIGEST
    assert result.exit_code == 23
    assert result.stdout == ""


def test_a_rollback_that_comes_too_late_to_have_a_result_is_23_as_well(signed_in, lineal):
    detail = f"Expected {OTHER_DIGEST} in 'production', found none."
    signed_in.answer("POST", "/models/fraud/rollbacks", (409, problem(409, "holder-differs", detail)))

    result = lineal(
        "rollback", "fraud", "--env", "production", "--reason", "r", "--expect-current", OTHER_DIGEST, "--json"
    )

    assert result.exit_code == 23
    assert json.loads(result.stdout)["decision"] == "holder_differs"
    assert detail in result.stderr


def test_a_rollback_whose_answer_was_lost_is_repeated_under_its_key(signed_in, lineal, make_result):
    """Without the key the repeat would go back one version further."""
    signed_in.answer("POST", "/models/fraud/rollbacks", Drop(), make_result(digest=OTHER_DIGEST))

    result = lineal("rollback", "fraud", "--env", "production", "--reason", "r", "--idempotency-key", "my-key")

    assert result.exit_code == 0
    keys = [request.headers["Idempotency-Key"] for request in signed_in.asked("POST", "/models/fraud/rollbacks")]
    assert keys == ["my-key", "my-key"]


def test_a_rollback_without_any_answer_is_41(signed_in, lineal):
    signed_in.answer("POST", "/models/fraud/rollbacks", Drop())

    assert lineal("rollback", "fraud", "--env", "production", "--reason", "r").exit_code == 41


def test_a_deployment_that_differs_from_the_slot_is_said(signed_in, lineal):
    signed_in.answer("POST", "/deployments", (201, {"id": "d1", "matches_slot": False}))

    result = lineal("report-deployment", f"fraud@{DIGEST}", "--environment", "production", "--target", "eu/serving")

    assert result.exit_code == 0
    assert "warning: production holds another version" in result.stderr
    assert result.stdout == "deployment:d1\n"


def test_deployments_as_of_a_time_ask_for_that_time(signed_in, lineal):
    signed_in.answer("GET", "/deployments", {"items": [], "next_cursor": None})

    lineal("deployments", "--as-of", "2026-11-01T12:00+02:00", "--environment", "production")

    query = signed_in.asked("GET", "/deployments")[0].query
    assert "live" not in query
    assert (query["as_of"], query["environment"]) == ("2026-11-01T10:00:00.000000Z", "production")


@pytest.mark.parametrize(("options", "live"), [((), "true"), (("--all",), None)])
def test_deployments_are_those_that_run_now_unless_all_are_asked_for(signed_in, lineal, options, live):
    signed_in.answer("GET", "/deployments", {"items": [], "next_cursor": None})

    lineal("deployments", *options)

    assert signed_in.asked("GET", "/deployments")[0].query.get("live") == live
