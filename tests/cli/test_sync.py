"""`lineal sync`: what a job could not deliver arrives, and what cannot arrive is named."""

import json
import subprocess
import sys

import pytest
from lineal._sync import StreamReport, SyncReport

from tests.client.fake_server import TOKEN, FakeServer

JOB = """
import os, lineal
run = lineal.start_run("churn", params={"lr": 0.1})
run.log({"loss": 0.5}, step=1)
run.flush(0)
os._exit(1)    # as a killed process: nothing is finished, nothing more is sent
"""


@pytest.fixture
def left_over(cli_home):
    """A run that a process logged while no server was reachable, and then died."""
    subprocess.run([sys.executable, "-c", JOB], check=False, capture_output=True, cwd=cli_home.parent)
    assert list((cli_home / "spool").rglob("lock"))


def test_what_a_dead_job_left_behind_is_sent(left_over, lineal, monkeypatch):
    with FakeServer() as server:
        monkeypatch.setenv("LINEAL_TOKEN", TOKEN)

        result = lineal("sync", "--url", server.url, "--json")

        assert result.exit_code == 0, result.output
        (run,) = server.runs.values()
        assert (run.params, run.values("loss"), run.status) == ({"lr": 0.1}, [0.5], "killed")
        assert [stream["state"] for stream in json.loads(result.stdout)] == ["sent"]
        assert "nothing is waiting" in lineal("sync").stderr


def test_the_doctor_sees_what_waits(left_over, lineal):
    found = {row["check"]: row for row in json.loads(lineal("doctor", "--json").stdout)}

    assert found["spool"]["state"] == "warn"
    assert "1 job waits" in found["spool"]["detail"]


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ([], 0),
        ([{"state": "sent"}, {"state": "living"}], 0),
        ([{"state": "sent"}, {"state": "unreachable"}], 40),
        ([{"state": "unreachable"}, {"state": "damaged"}], 1),
        ([{"state": "sent", "refused": ["param lr: has another value"]}], 1),
        ([{"state": "sent", "missing": 2}], 1),
    ],
)
def test_the_exit_code_tells_later_from_lost(lineal, monkeypatch, streams, code):
    """40 is worth another try; 1 needs somebody to look."""
    reports = [StreamReport("r1", "default", "http://h", "/spool/x", **stream) for stream in streams]
    monkeypatch.setattr("lineal._sync.sync", lambda *_, **__: SyncReport(reports))

    result = lineal("sync")

    assert result.exit_code == code
    assert len(result.stdout.splitlines()) == (len(streams) + 1 if streams else 0)
    if any("refused" in stream for stream in streams):
        assert "param lr: has another value" in result.stderr
