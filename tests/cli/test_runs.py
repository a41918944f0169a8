"""`lineal runs`, `artifacts`, `models` and `policy`: what is asked for and how it is shown."""

import hashlib
import json

import pytest
from lineal.cli.runs import column_value
from lineal.cli.text import parse_duration, parse_moment

from tests.cli.conftest import DIGEST, problem

RUN = "0192a0b000007000800000000000000a"


def make_run(**changes):
    return {
        "id": RUN,
        "experiment": "triage",
        "name": "first",
        "status": "finished",
        "started_at": "2026-11-21T03:14:27.000000Z",
        "ended_at": "2026-11-21T03:15:37.500000Z",
        "params": {"lr": 0.05},
        "metrics": {"auc": {"last": 0.9939, "min": 0.5, "max": 0.9939}},
        **changes,
    }


def test_a_search_sends_filter_order_and_columns(signed_in, lineal):
    signed_in.answer("POST", "/runs/search", {"items": [make_run()], "next_cursor": None})

    result = lineal(
        "runs", "search", "metrics.auc > 0.9", "--experiment", "triage", "--order", "metrics.auc DESC",
        "--column", "params.lr", "--column", "metrics.auc", "--limit", "5",
    )  # fmt: skip

    assert signed_in.asked("POST", "/runs/search")[0].body == {
        "experiments": ["triage"],
        "lifecycle": "active",
        "filter": "metrics.auc > 0.9",
        "order_by": ["metrics.auc DESC"],
        "columns": ["params.lr", "metrics.auc"],
        "limit": 5,
    }
    header, row = result.stdout.splitlines()
    assert header.split() == ["ID", "EXPERIMENT", "NAME", "STATUS", "STARTED", "TOOK", "PARAMS.LR", "METRICS.AUC"]
    assert row.split()[-3:] == ["1m10s", "0.05", "0.9939"]


def test_a_search_reads_on_with_the_cursor(signed_in, lineal):
    signed_in.answer(
        "POST",
        "/runs/search",
        {"items": [make_run()], "next_cursor": "c"},
        {"items": [make_run()], "next_cursor": None},
    )

    rows = json.loads(lineal("runs", "list", "--json").stdout)

    assert len(rows) == 2
    assert signed_in.asked("POST", "/runs/search")[1].body["cursor"] == "c"


def test_a_broken_filter_is_the_servers_sentence(signed_in, lineal):
    wrong = {"type": "/problems/invalid", "status": 422, "detail": "Unexpected ')' at column 9."}
    signed_in.answer("POST", "/runs/search", (422, wrong))

    result = lineal("runs", "search", "metrics.)")

    assert result.exit_code == 2
    assert result.stderr == "lineal: Unexpected ')' at column 9.\n"


def test_a_broken_filter_is_pointed_at(signed_in, lineal):
    wrong = {
        "type": "/problems/invalid-filter",
        "status": 422,
        "detail": "At character 1 of the filter: …",
        "excerpt": "staus = 'failed'\n^",
    }
    signed_in.answer("POST", "/runs/search", (422, wrong))

    result = lineal("runs", "search", "staus = 'failed'")

    assert result.stderr.splitlines()[1:] == ["  staus = 'failed'", "  ^"]


def test_an_offset_skips_once(signed_in, lineal):
    signed_in.answer(
        "POST",
        "/runs/search",
        {"items": [make_run()], "next_cursor": "c"},
        {"items": [make_run()], "next_cursor": None},
    )

    lineal("runs", "search", "--offset", "40")

    bodies = [request.body for request in signed_in.asked("POST", "/runs/search")]
    assert [body.get("offset") for body in bodies] == [40, None]


def test_columns_read_metrics_params_tags_and_fields():
    run = make_run(tags={"a.b": "x"})

    assert column_value(run, "metrics.auc") == 0.9939
    assert column_value(run, "params.lr") == 0.05
    assert column_value(run, "tags.`a.b`") == "x"
    assert column_value(run, "status") == "finished"
    assert column_value(run, "metrics.none") is None


@pytest.fixture
def artifact(signed_in):
    """A run with one file, whose bytes the server holds."""
    content = b"weights"
    file = {"path": "model/w.bin", "size": 7, "sha256": hashlib.sha256(content).hexdigest(), "state": "verified"}
    signed_in.answer("GET", f"/runs/{RUN}/artifacts", {"items": [file], "next_cursor": None})
    signed_in.answer("GET", f"/runs/{RUN}/artifacts/content", content)
    return signed_in, file


def test_a_download_is_checked_against_its_digest(artifact, lineal, tmp_path):
    result = lineal("artifacts", "download", RUN, "--to", str(tmp_path))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "model" / "w.bin").read_bytes() == b"weights"


def test_other_bytes_than_the_digest_names_are_not_kept(artifact, lineal, tmp_path):
    server, _ = artifact
    server.answer("GET", f"/runs/{RUN}/artifacts/content", b"weighty")

    result = lineal("artifacts", "download", RUN, "--to", str(tmp_path))

    assert result.exit_code == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "model" in str(path)] == []


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../evil", "a\\..\\evil"])
def test_a_recorded_path_cannot_leave_the_folder(artifact, lineal, tmp_path, path):
    server, file = artifact
    server.answer("GET", f"/runs/{RUN}/artifacts", {"items": [{**file, "path": path}], "next_cursor": None})

    result = lineal("artifacts", "download", RUN, "--to", str(tmp_path / "here"))

    assert result.exit_code == 1
    assert "leaves the folder" in result.stderr
    assert not (tmp_path / "evil").exists()


def test_registering_prints_what_promote_takes(signed_in, lineal):
    signed_in.answer("POST", "/models/triage/versions", (201, {"number": 1, "digest": DIGEST}))

    result = lineal("models", "register", "triage", "--run", RUN, "--artifact", "model", "--tag", "family=boosting")

    assert result.stdout == f"triage@{DIGEST}\n"
    assert signed_in.asked("POST", "/models/triage/versions")[0].body == {
        "run": RUN,
        "artifact": "model",
        "tags": {"family": "boosting"},
    }


@pytest.mark.parametrize(("ending", "content_type"), [("toml", "application/toml"), ("yaml", "application/yaml")])
def test_a_policy_file_is_sent_as_it_is(signed_in, lineal, tmp_path, ending, content_type):
    signed_in.answer("PUT", "/policies/gates", {"name": "gates", "revision": 2, "sha256": "ab", "document": {}})
    file = tmp_path / f"policy.{ending}"
    file.write_bytes(b"exact bytes")

    assert lineal("policy", "set", "gates", str(file)).exit_code == 0
    (request,) = signed_in.asked("PUT", "/policies/gates")
    assert (request.body, request.headers["Content-Type"]) == (b"exact bytes", content_type)


def test_a_policy_of_unknown_form_is_usage(signed_in, lineal, tmp_path):
    (tmp_path / "policy.ini").write_text("")

    assert lineal("policy", "set", "gates", str(tmp_path / "policy.ini")).exit_code == 2


@pytest.mark.parametrize(("text", "seconds"), [("45s", 45), ("30m", 1800), ("1h30m", 5400), ("7d", 604800), ("90", 90)])
def test_a_duration_is_read_as_people_write_it(text, seconds):
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 bananas", "-3m", "1.5h", "m"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_a_time_without_an_offset_is_utc():
    assert parse_moment("2026-11-21T03:00").isoformat() == "2026-11-21T03:00:00+00:00"
    assert parse_moment("2026-11-21T03:00+01:00").isoformat() == "2026-11-21T02:00:00+00:00"


RECIPE = {
    "complete": False,
    "missing": ["The command is not recorded."],
    "steps": [],
    "script": "#!/bin/sh\nset -eu\n\n# the \x1b[31mcode\ngit checkout --detach 1a2b\n",
}


def test_a_recipe_is_a_script_on_stdout_and_what_it_lacks_on_stderr(signed_in, lineal):
    signed_in.answer("GET", "/runs/r1/recipe", RECIPE)

    done = lineal("runs", "reproduce", "r1")

    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "git checkout --detach 1a2b"
    assert "\x1b" not in done.stdout
    assert done.stderr == "missing: The command is not recorded.\n"


def test_a_recipe_as_json_is_the_servers_document(signed_in, lineal):
    signed_in.answer("GET", "/runs/r1/recipe", RECIPE)

    assert json.loads(lineal("runs", "reproduce", "r1", "--json").stdout) == RECIPE


@pytest.mark.parametrize("name", ["diff", "lock"])
def test_diff_and_lock_come_to_the_byte(signed_in, lineal, tmp_path, name):
    text = "--- a/ä\n+++ b/ä\n@@ -1 +1 @@\n-\x1b\n+x\n \n"
    signed_in.answer("GET", f"/runs/r1/{name}", text.encode(), text.encode())

    assert lineal("runs", name, "r1").stdout_bytes == text.encode()
    assert lineal("runs", name, "r1", "--out", str(tmp_path / "out")).exit_code == 0
    assert (tmp_path / "out").read_bytes() == text.encode()


def test_what_was_not_recorded_is_said(signed_in, lineal):
    signed_in.answer("GET", "/runs/r1/diff", (404, problem(404, "not-recorded", "The run has no recorded diff.")))

    done = lineal("runs", "diff", "r1")

    assert done.exit_code != 0
    assert "The run has no recorded diff." in done.stderr
