"""File systems without locks, and several processes that sync at once."""

import errno
import os
import subprocess
import sys

import lineal
import pytest
from lineal import _credentials, _locks


@pytest.fixture
def no_locks(monkeypatch):
    """As some file systems of the network."""

    def lock(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_locks, "_lock", lock)


def test_without_locks_a_living_process_is_known_by_its_number(fake, no_locks, spool_dir):
    with fake.lock:
        run = lineal.start_run("churn")
        run.log({"loss": 1.0})
        run._sender.drain()
        (found,) = lineal.sync().streams
    run.finish()

    assert (found.state, found.detail) == ("living", f"process {os.getpid()} still runs and sends by itself")
    assert fake.runs[run.id].values("loss") == [1.0]
    assert len(fake.runs[run.id].finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.parametrize(
    ("signed", "state"),
    [
        ({"pid": 2**22 + 1}, "sent"),
        ({"boot": "another"}, "sent"),
        ({"host": "node-17"}, "living"),
        ({"namespace": "pid:[1]", "pid": 2**22 + 1}, "living"),
        ({"boot": "", "pid": 2**22 + 1}, "living"),
        ({"pid": 0}, "living"),
        (None, "living"),
    ],
    ids=["dead", "booted", "elsewhere", "container", "unknown-boot", "nobody", "unsigned"],
)
def test_without_locks_only_what_is_known_to_be_dead_is_sent(fake, no_locks, monkeypatch, spool_dir, signed, state):
    fake.refuse("", 503, times=1_000_000, retry_after="0.02")
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    run.finish(timeout_s=0.1)
    fake.faults.clear()
    (lock,) = spool_dir.glob("*/*/*/*/lock")
    lock.write_text("" if signed is None else _locks.json.dumps(_locks._self() | signed))

    (found,) = lineal.sync().streams

    assert found.state == state
    assert ("run `lineal sync` there" in found.detail) == (signed == {"host": "node-17"})
    assert fake.runs[run.id].values("loss") == [1.0] if state == "sent" else run.id not in fake.runs


def test_two_processes_that_sync_at_once_send_each_record_once(fake, tmp_path, spool_dir):
    fake.refuse("", 503, times=1_000_000, retry_after="0.02")
    runs = []
    for _ in range(5):
        run = lineal.start_run("churn")
        for step in range(200):
            run.log({"loss": step}, step=step)
        run.finish(timeout_s=0.05)
        runs.append(run.id)
    fake.faults.clear()
    _credentials.remember(fake.url, token="lnl_fake", vkey=None)
    command = [sys.executable, "-m", "lineal.cli", "sync", "--json"]
    syncs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    words = [each.communicate(timeout=60) for each in syncs]

    for run in runs:
        assert fake.runs[run].values("loss") == list(map(float, range(200))), words
        assert len(fake.runs[run].finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


def test_windows_is_asked_for_no_process_by_a_signal(monkeypatch):
    """There it would be the end of that process."""
    monkeypatch.setattr(_locks.sys, "platform", "win32")
    monkeypatch.setattr(_locks.os, "kill", lambda pid, signal: pytest.fail(f"{pid} was killed"))

    assert _locks._may_live(4711)
