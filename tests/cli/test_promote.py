"""`lineal promote`: what is sent, what is written, and the exit code that CI branches on."""

import json
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.cli.conftest import DIGEST, OTHER_DIGEST, Drop, problem

PROMOTIONS = "/models/fraud/promotions"
COMMAND = ("promote", f"fraud@{DIGEST}", "--to", "production", "--reason", "beats v41")


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
        ("holder_differs", 23),
        ("frozen", 24),
    ],
)
def test_each_decision_leaves_with_its_code(signed_in, lineal, make_result, decision, code):
    signed_in.answer("POST", PROMOTIONS, make_result(decision, exit_code=code))

    assert lineal(*COMMAND).exit_code == code


def test_the_request_names_digest_environment_reason_and_key(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result())

    lineal(*COMMAND, "--expect-current", OTHER_DIGEST, "--idempotency-key", "my-key", "--project", "cards")

    (request,) = signed_in.asked("POST", PROMOTIONS)
    assert request.body == {
        "version": DIGEST,
        "environment": "production",
        "expect_current": OTHER_DIGEST,
        "reason": "beats v41",
        "idempotency_key": "my-key",
        "dry_run": False,
    }
    assert request.headers["Idempotency-Key"] == "my-key"
    assert request.headers["Authorization"] == "Bearer lnl_test"
    assert request.query == {"project": "cards"}


def test_a_version_number_is_sent_as_a_number(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result())

    lineal("promote", "fraud/42", "--to", "production", "--reason", "r", "--expect-current", "none")

    (request,) = signed_in.asked("POST", PROMOTIONS)
    assert request.body["version"] == 42
    assert request.body["expect_current"] == "none"


@pytest.mark.parametrize(
    "version", ["fraud", "fraud@latest", "fraud@sha256:9f2c", "fraud/0", "fraud/new", "@" + DIGEST]
)
def test_a_word_that_may_move_names_no_version(signed_in, lineal, version):
    """`latest` is the race that digests end."""
    result = lineal("promote", version, "--to", "production", "--reason", "r")

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert signed_in.requests == []


def test_the_key_is_printed_before_the_first_byte_is_sent(signed_in, lineal, monkeypatch):
    """Whatever happens to the request, the job's log has the key that repeats it."""
    seen = []
    monkeypatch.setattr("lineal.cli.promotions.ask", lambda *_: seen.append(list(signed_in.requests)) or _stop())

    result = lineal(*COMMAND, "--idempotency-key", "my-key")

    assert seen == [[]]
    assert result.stderr.splitlines()[0] == "idempotency key: my-key"


def _stop():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "acme/fraud",
                "GITHUB_RUN_ID": "18233",
                "GITHUB_RUN_ATTEMPT": "1",
            },
            "gh:acme/fraud:18233:1:fraud:production",
        ),
        (
            {"GITLAB_CI": "true", "CI_PROJECT_PATH": "acme/fraud", "CI_PIPELINE_ID": "7", "CI_JOB_ID": "99"},
            "gl:acme/fraud:7:99:fraud:production",
        ),
        (
            {
                "CIRCLECI": "true",
                "CIRCLE_PROJECT_USERNAME": "acme",
                "CIRCLE_PROJECT_REPONAME": "fraud",
                "CIRCLE_WORKFLOW_ID": "w",
                "CIRCLE_BUILD_NUM": "3",
            },
            "circleci:acme:fraud:w:3:fraud:production",
        ),
        (
            {"JENKINS_URL": "https://ci", "JOB_NAME": "fraud/main", "BUILD_NUMBER": "12"},
            "jenkins:fraud/main:12:fraud:production",
        ),
        (
            {
                "TF_BUILD": "True",
                "SYSTEM_TEAMPROJECT": "cards",
                "BUILD_REPOSITORY_NAME": "fraud",
                "BUILD_BUILDID": "5",
                "SYSTEM_JOBATTEMPT": "2",
            },
            "azure:cards:fraud:5:2:fraud:production",
        ),
    ],
)
def test_the_key_is_named_after_the_ci_job(signed_in, lineal, make_result, environ, key):
    signed_in.answer("POST", PROMOTIONS, make_result())

    lineal(*COMMAND, **environ)

    assert signed_in.asked("POST", PROMOTIONS)[0].body["idempotency_key"] == key


def test_without_ci_every_call_has_a_key_of_its_own(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result())

    lineal(*COMMAND)
    lineal(*COMMAND)

    first, second = (request.body["idempotency_key"] for request in signed_in.asked("POST", PROMOTIONS))
    assert first != second


def test_a_refused_connection_is_40(lineal, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    result = lineal(*COMMAND, "--out", str(tmp_path / "p.json"), "--url", f"http://127.0.0.1:{port}")

    assert result.exit_code == 40
    assert "nothing changed" in result.stderr
    document = json.loads((tmp_path / "p.json").read_text())
    assert (document["decision"], document["exit_code"]) == ("unreachable", 40)


def test_an_answer_lost_after_the_request_was_sent_is_41(signed_in, lineal, tmp_path):
    """The server may have promoted: CI must not take silence for a no."""
    signed_in.answer("POST", PROMOTIONS, Drop())

    result = lineal(*COMMAND, "--out", str(tmp_path / "p.json"), "--idempotency-key", "my-key")

    assert result.exit_code == 41
    document = json.loads((tmp_path / "p.json").read_text())
    assert (document["decision"], document["idempotency_key"]) == ("unknown", "my-key")
    assert {request.body["idempotency_key"] for request in signed_in.asked("POST", PROMOTIONS)} == {"my-key"}
    assert len(signed_in.asked("POST", PROMOTIONS)) == 3


def test_a_lost_answer_is_asked_for_again_under_the_same_key(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, Drop(), make_result("already"))

    assert lineal(*COMMAND).exit_code == 0
    first, second = signed_in.asked("POST", PROMOTIONS)
    assert first.body == second.body


def test_a_server_that_fails_on_the_request_leaves_the_outcome_unknown(signed_in, lineal):
    signed_in.answer("POST", PROMOTIONS, (500, problem(500, "error", "something broke")))

    assert lineal(*COMMAND).exit_code == 41


def test_a_server_that_fails_before_the_request_is_sent_has_changed_nothing(signed_in, lineal):
    signed_in.answer("GET", "/server", (502, b"bad gateway"))

    result = lineal(*COMMAND)

    assert result.exit_code == 40
    assert signed_in.asked("POST", PROMOTIONS) == []


@pytest.mark.parametrize(("status", "code"), [(403, 30), (401, 31)])
def test_who_may_not_promote_is_told_apart_from_who_is_unknown(signed_in, lineal, tmp_path, status, code):
    signed_in.answer("POST", PROMOTIONS, (status, problem(status, "no", "no such right")))

    result = lineal(*COMMAND, "--out", str(tmp_path / "p.json"))

    assert result.exit_code == code
    assert "no such right" in result.stderr
    assert json.loads((tmp_path / "p.json").read_text())["exit_code"] == code


@pytest.mark.parametrize(("status", "name"), [(404, "not-found"), (422, "idempotency-key-reused"), (409, "retired")])
def test_a_request_that_is_wrong_in_itself_is_usage(signed_in, lineal, status, name):
    """No such model, or the key of another digest: running it again cannot help, so it is neither 40 nor 41."""
    signed_in.answer("POST", PROMOTIONS, (status, problem(status, name, "that is wrong")))

    result = lineal(*COMMAND)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "lineal: that is wrong"


def test_without_a_server_nothing_can_be_promoted(lineal):
    result = lineal(*COMMAND)

    assert result.exit_code == 2
    assert "no server is configured" in result.stderr


def test_wait_ends_with_the_approval(signed_in, lineal, make_result):
    waiting = make_result("waiting", exit_code=10)
    signed_in.answer("POST", PROMOTIONS, waiting)
    signed_in.answer("GET", f"/promotions/{waiting['id']}", waiting, waiting, make_result())

    result = lineal(*COMMAND, "--wait", "30s")

    assert result.exit_code == 0
    assert "waiting up to 30 s" in result.stderr
    assert len(signed_in.asked("POST", PROMOTIONS)) == 1


def test_wait_ends_with_the_refusal(signed_in, lineal, make_result):
    waiting = make_result("waiting", exit_code=10)
    signed_in.answer("POST", PROMOTIONS, waiting)
    signed_in.answer("GET", f"/promotions/{waiting['id']}", make_result("refused", exit_code=22))

    assert lineal(*COMMAND, "--wait", "30s").exit_code == 22


def test_wait_ends_with_the_time(signed_in, lineal, make_result):
    waiting = make_result("waiting", exit_code=10)
    signed_in.answer("POST", PROMOTIONS, waiting)
    signed_in.answer("GET", f"/promotions/{waiting['id']}", waiting)

    assert lineal(*COMMAND, "--wait", "0s").exit_code == 10


def test_without_wait_nothing_is_asked_twice(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result("waiting", exit_code=10))

    assert lineal(*COMMAND).exit_code == 10
    assert [request.method for request in signed_in.requests if request.path.startswith("/promotions")] == []


def test_a_server_lost_while_waiting_leaves_the_outcome_unknown(signed_in, lineal, make_result, monkeypatch):
    """People may have approved after the last answer."""
    monkeypatch.setattr("lineal.cli.promotion_requests.LONGEST_POLL_S", 0.01)
    waiting = make_result("waiting", exit_code=10)
    signed_in.answer("POST", PROMOTIONS, waiting)
    signed_in.answer("GET", f"/promotions/{waiting['id']}", (500, problem(500, "error", "down")))

    assert lineal(*COMMAND, "--wait", "1s").exit_code == 41


def test_a_pending_receipt_is_waited_for(signed_in, lineal, make_result, tmp_path):
    pending = make_result(receipt={"status": "pending"})
    signed_in.answer("POST", PROMOTIONS, pending)
    signed_in.answer("GET", f"/promotions/{pending['id']}", pending, make_result())

    lineal(*COMMAND, "--out", str(tmp_path / "p.json"))

    assert json.loads((tmp_path / "p.json").read_text())["receipt"]["uri"] == "/api/v1/receipts/1"


def test_a_receipt_that_does_not_come_changes_nothing_about_the_promotion(signed_in, lineal, make_result):
    pending = make_result(receipt={"status": "pending"})
    signed_in.answer("POST", PROMOTIONS, pending)
    signed_in.answer("GET", f"/promotions/{pending['id']}", (500, problem(500, "error", "down")))

    assert lineal(*COMMAND).exit_code == 0


def test_words_go_to_stderr_and_documents_to_files(signed_in, lineal, make_result, tmp_path):
    answer = make_result("gate_failed", exit_code=20)
    answer["gates"][0] |= {"status": "fail", "observed": 0.9}
    signed_in.answer("POST", PROMOTIONS, answer)

    result = lineal(*COMMAND, "--out", str(tmp_path / "p.json"), "--junit", str(tmp_path / "g.xml"))

    assert result.stdout == ""
    assert "✗ auc (metric): fail; observed 0.9, limit 0.929" in result.stderr
    assert json.loads((tmp_path / "p.json").read_text()) == answer
    suite = ET.parse(tmp_path / "g.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["g.xml", "p.json"]


def test_a_terminal_without_our_signs_does_not_change_the_exit_code(signed_in, make_result):
    """Windows consoles and bare containers have no ✓; the promotion was carried out all the same."""
    signed_in.answer("POST", PROMOTIONS, make_result())
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([sys.executable, "-m", "lineal.cli", *COMMAND], env=environ, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert b"promoted" in done.stderr


def test_json_prints_the_document_and_nothing_else(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result())

    assert json.loads(lineal(*COMMAND, "--json").stdout) == make_result()


def test_a_record_that_cannot_be_kept_stops_the_promotion_before_it_is_sent(signed_in, lineal, tmp_path):
    result = lineal(*COMMAND, "--out", str(tmp_path / "nowhere" / "p.json"))

    assert result.exit_code == 2
    assert signed_in.requests == []


def test_github_gets_a_summary_and_outputs(signed_in, lineal, make_result, tmp_path):
    signed_in.answer("POST", PROMOTIONS, make_result(model="fraud\nversion=666"))
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"

    lineal(*COMMAND, GITHUB_STEP_SUMMARY=str(summary), GITHUB_OUTPUT=str(outputs))

    assert "| auc | metric | pass | 0.934 | 0.929 |" in summary.read_text()
    assert _read_outputs(outputs.read_text()) == {
        "decision": "promoted",
        "version": "42",
        "digest": DIGEST,
        "receipt": "/api/v1/receipts/1",
    }


def _read_outputs(text):
    """As the runner reads them: `name<<delimiter`, lines, delimiter."""
    lines = iter(text.splitlines())
    found = {}
    for line in lines:
        name, _, delimiter = line.partition("<<")
        found[name] = "\n".join(iter(lambda end=delimiter: _until(lines, end), None))
    return found


def _until(lines, end):
    line = next(lines)
    return None if line == end else line


def test_an_output_cannot_end_its_own_block(signed_in, lineal, make_result, tmp_path):
    outputs = tmp_path / "outputs"
    signed_in.answer("POST", PROMOTIONS, make_result(receipt={"uri": "x\nlineal_0\ndigest<<e\nsha256:evil\ne"}))

    lineal(*COMMAND, GITHUB_OUTPUT=str(outputs))

    assert _read_outputs(outputs.read_text())["digest"] == DIGEST


def test_a_plan_changes_nothing_and_says_what_would_block(signed_in, lineal, make_result):
    signed_in.answer("POST", PROMOTIONS, make_result("gate_failed", exit_code=20, dry_run=True))

    result = lineal("plan", f"fraud@{DIGEST}", "--to", "production")

    assert result.exit_code == 20
    assert signed_in.asked("POST", PROMOTIONS)[0].body["dry_run"] is True
    assert "would not be promoted: a gate failed" in result.stderr


def test_a_plan_that_gets_no_answer_has_changed_nothing(signed_in, lineal):
    signed_in.answer("POST", PROMOTIONS, Drop())

    assert lineal("plan", f"fraud@{DIGEST}", "--to", "production").exit_code == 40
