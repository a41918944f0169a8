"""`lineal evidence`: a tool's file goes out as it is, and the verdict comes back as a line, JSON or an exit code."""

import json
from urllib.parse import quote

import pytest

from tests.cli.conftest import DIGEST, problem

ID = "0192a0b0-0000-7000-8000-0000000000e1"
WHERE = "/models/fraud/versions/3/evidence"
DOCUMENT = b'{"metrics": [], "value": NaN}\n'


def report(verdict="pass", **changes):
    failures = [] if verdict == "pass" else [{"check": "mean", "columns": ["age"], "detail": "Observed 3."}]
    return {
        "id": ID,
        "model": "fraud",
        "version": 3,
        "name": "nightly",
        "verdict": verdict,
        "tool": "evidently",
        "tool_version": "0.7.23",
        "summary": {"checked": 4, "failed": len(failures), "failures": failures, "columns": [], "notes": ["a note"]},
        "sha256": "ab" * 32,
        "report_url": None,
        "observed_at": "2026-11-21T03:14:27.000000Z",
        "created_by": "ci",
        "url": "/projects/default/models/fraud/versions/3",
        **changes,
    }


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(DOCUMENT)
    return str(path)


def test_the_file_is_sent_byte_for_byte(signed_in, lineal, file):
    """Its digest is what the ledger has."""
    signed_in.answer("POST", WHERE, (201, report()))

    result = lineal("evidence", "add", "fraud/3", file, "--name", "nightly", "--tool", "evidently")

    (request,) = signed_in.asked("POST", WHERE)
    assert result.exit_code == 0, result.output
    assert request.query == {"project": "default", "name": "nightly", "tool": "evidently"}
    assert (request.headers["Content-Type"], request.headers["Content-Length"]) == ("application/json", "30")
    assert str(request.body) == "{'metrics': [], 'value': nan}"
    assert result.stdout == f"evidence:{ID} nightly: pass\n"


def test_a_file_may_come_from_stdin_and_a_version_by_its_digest(signed_in, lineal):
    where = f"/models/fraud/versions/{quote(DIGEST)}/evidence"
    signed_in.answer("POST", where, (201, report()))

    result = lineal("evidence", "add", f"fraud@{DIGEST}", "-", stdin='{"name": "x"}')

    assert result.exit_code == 0, result.output
    assert signed_in.asked("POST", where)[0].body == {"name": "x"}


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 20), ("error", 21)])
def test_a_pipeline_may_go_by_the_verdict(signed_in, lineal, file, verdict, code):
    """Without --check a failing verdict is attached, and that is all that was asked for."""
    signed_in.answer("POST", WHERE, (201, report(verdict)))

    assert lineal("evidence", "add", "fraud/3", file).exit_code == 0
    assert lineal("evidence", "add", "fraud/3", file, "--check").exit_code == code


def test_what_failed_is_said_beside_the_result(signed_in, lineal, file):
    signed_in.answer("POST", WHERE, (201, report("fail")))

    result = lineal("evidence", "add", "fraud/3", file, "--json", "--check")

    assert json.loads(result.stdout) == report("fail")
    assert result.stderr == "mean age Observed 3.\n"


def test_a_document_that_cannot_be_read_is_a_mistake_of_usage(signed_in, lineal, file):
    errors = [{"field": "results.3.success", "detail": "This is missing."}]
    signed_in.answer("POST", WHERE, (422, problem(422, "evidence-unreadable", "No.", errors=errors)))

    result = lineal("evidence", "add", "fraud/3", file)

    assert result.exit_code == 2
    assert result.stderr == "lineal: No. [results.3.success: This is missing.]\n"


@pytest.mark.parametrize("arguments", [("fraud@production", "-"), ("fraud/3", "absent.json"), ("fraud/3",)])
def test_what_cannot_be_sent_is_refused_before_it_is(signed_in, lineal, arguments):
    result = lineal("evidence", "add", *arguments, stdin="{}")

    assert result.exit_code == 2
    assert signed_in.requests == []


def test_the_list_and_one_of_it(signed_in, lineal):
    signed_in.answer("GET", WHERE, {"items": [report(), report("fail")], "next_cursor": None})
    signed_in.answer("GET", f"{WHERE}/{ID}", report("fail", document='{"é": NaN}'))

    listed = lineal("evidence", "list", "fraud/3", "--name", "nightly")
    shown = lineal("evidence", "show", "fraud/3", ID)

    assert [line.split()[2] for line in listed.stdout.splitlines()[1:]] == ["pass", "fail"]
    assert signed_in.asked("GET", WHERE)[0].query["name"] == "nightly"
    assert "failed    mean age Observed 3." in shown.stdout
    assert "note      a note" in shown.stdout
    assert lineal("evidence", "show", "fraud/3", ID, "--document").stdout == '{"é": NaN}'
