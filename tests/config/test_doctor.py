"""`lineal doctor --home`: a healthy server passes, and each thing that is wrong is named with what to do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LINEAL = Path(sys.executable).with_name("lineal")
pytestmark = pytest.mark.server


def examine(server, *more, code=None, **env):
    done = server.cli("doctor", "--home", server.home, "--json", *more, code=code, env=env)
    assert "Traceback" not in done.stderr
    return {row["check"]: row for row in json.loads(done.stdout)}


def states(found):
    return {check: row["state"] for check, row in found.items()}


def test_a_healthy_server_passes(server):
    found = examine(server, code=0)

    assert [check for check, state in states(found).items() if state == "fail"] == []
    sure = {"home", "settings", "keys", "database", "migrations", "ledger guards", "indexes", "store", "broker", "processes",
            "jobs", "sequencer", "signing key"}  # fmt: skip
    assert {check for check, state in states(found).items() if state == "ok"} >= sure
    assert list((server.home / "blobs").glob("0000*/*")) == [], "the probe leaves nothing behind"


def test_people_get_a_table(server):
    lines = server.cli("doctor", "--home", server.home).stdout.splitlines()

    assert lines[0].split() == ["CHECK", "STATE", "DETAIL", "WHAT", "TO", "DO"]
    assert any(line.startswith("database") for line in lines)


@pytest.mark.slow
def test_warnings_fail_only_those_who_ask_for_it(server):
    stray = {"LINEAL_HOST": "x"}

    assert examine(server, code=0, **stray)["settings"]["advice"] == "Is LINEAL_HOSTS meant?"
    examine(server, "--strict", code=1, **stray)


def test_a_key_that_others_may_read_is_named(server):
    key = server.home / "keys" / "log.key"
    key.chmod(0o644)
    try:
        found = examine(server, code=1)
    finally:
        key.chmod(0o600)

    assert found["keys"]["state"] == "fail"
    assert "keys/log.key" in found["keys"]["detail"]
    assert "chmod 600" in found["keys"]["advice"]


def test_a_broker_that_is_away_is_named_without_its_password(server):
    done = server.cli(
        "doctor",
        "--home",
        server.home,
        "--json",
        code=1,
        env={"LINEAL_BROKER_URL": "redis://:canary-hunter2@127.0.0.1:9/0"},
    )

    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert found["broker"]["state"] == "fail"
    assert "127.0.0.1:9" in found["broker"]["detail"]
    assert "canary-hunter2" not in done.stdout + done.stderr


def test_a_database_that_is_away_ends_the_visit(server):
    done = server.cli(
        "doctor", "--home", server.home, "--json", code=1,
        env={"LINEAL_DATABASE_URL": "postgresql://u:canary-hunter2@127.0.0.1:9/x"},
    )  # fmt: skip

    last = json.loads(done.stdout)[-1]
    assert (last["check"], last["state"]) == ("database", "fail")
    assert "refused" in last["detail"]
    assert "canary-hunter2" not in done.stdout + done.stderr


def test_a_setting_that_cannot_work_is_named(server):
    found = examine(server, code=1, LINEAL_LOG_FORMAT="xml")

    assert found["settings"]["state"] == "fail"
    assert "LINEAL_LOG_FORMAT has to be line or json" in found["settings"]["detail"]


def test_a_folder_without_a_server_is_left_as_it_is(tmp_path):
    """The doctor makes no keys and no database where it was sent by mistake."""
    (tmp_path / "empty").mkdir(mode=0o700)
    for name in ("absent", "empty"):
        done = subprocess.run([LINEAL, "doctor", "--home", tmp_path / name, "--json"], capture_output=True, text=True)
        (row,) = json.loads(done.stdout)
        assert (done.returncode, row["check"], row["state"]) == (1, "home", "fail")
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


@pytest.mark.slow
def test_a_sequencer_that_stands_still_is_found(server):
    (seat,) = (server.home / "run" / "processes").glob("*/sequencer-0.seat")
    pid = json.loads(seat.read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        server.cli("users", "create", "carol")
        end = time.monotonic() + 40
        while (found := examine(server))["sequencer"]["state"] == "ok":
            assert time.monotonic() < end
    finally:
        os.kill(pid, signal.SIGCONT)

    assert "wait for their place" in found["sequencer"]["detail"]


@pytest.mark.slow
def test_a_server_that_was_stopped_is_seen(server):
    """Last in this file: nothing runs any more."""
    server.stop()

    found = examine(server, code=0)

    assert found["processes"]["state"] == "warn"
    assert "lineal up" in found["processes"]["advice"]
