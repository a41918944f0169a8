"""Forks of the supervisor end as programs do, and touch nothing of what it has begun."""

import atexit
import os
import signal
import subprocess
import sys
import time

import pytest

from config import forking

pytestmark = pytest.mark.skipif(not forking.can_fork(), reason="parts are programs of their own here")


@pytest.fixture
def fork(tmp_path):
    """`fork(run)`: the process, and where its output lands."""

    def call(run, close=()):
        path = tmp_path / "part.log"
        with path.open("ab") as log:
            return forking.fork(forking.Part("part", run, log, log, close)), path

    return call


@pytest.mark.parametrize(
    ("ending", "code"),
    [(lambda: None, 0), (lambda: sys.exit(3), 3), (sys.exit, 0), (lambda: 1 / 0, 1)],
    ids=["return", "exit-3", "exit", "error"],
)
def test_it_ends_with_the_code_of_a_program(fork, ending, code):
    process, _ = fork(ending)

    assert process.wait(20) == process.returncode == process.poll() == code


def test_what_it_ends_with_is_said_in_its_log(fork):
    process, log = fork(lambda: sys.exit("the port is taken"))

    assert process.wait(20) == 1
    assert log.read_text() == "the port is taken\n"


def test_what_its_parent_is_to_do_at_its_own_end_it_does_not(fork, tmp_path):
    atexit.register(marking := (tmp_path / "done").touch)
    try:
        process, _ = fork(lambda: None)
        assert process.wait(20) == 0
    finally:
        atexit.unregister(marking)

    assert not (tmp_path / "done").exists()


def test_where_the_ends_of_children_are_ignored_it_counts_as_ended(fork):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process, _ = fork(lambda: None)
        assert process.wait(20) == 0
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_what_it_says_lands_in_its_log(fork):
    process, log = fork(lambda: os.write(1, f"in a session of its own: {os.getsid(0) == os.getpid()}".encode()))

    assert process.wait(20) == 0
    assert log.read_text() == "in a session of its own: True"


def test_a_signal_ends_it_though_its_parent_handles_that_signal(fork):
    told = []
    before = signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    try:
        process, _ = fork(lambda: time.sleep(60))
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == []


def test_who_waits_too_long_is_told(fork):
    process, _ = fork(lambda: time.sleep(60))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM


def test_a_lock_of_the_supervisor_is_not_held_by_its_forks(fork, tmp_path):
    """Else a home would stay taken after the supervisor was killed."""
    with (tmp_path / "lock").open("w") as lock:
        process, log = fork(lambda: os.write(1, str(lock.closed).encode()), close=[lock])
        assert process.wait(20) == 0
        assert not lock.closed
    assert log.read_text() == "True"
