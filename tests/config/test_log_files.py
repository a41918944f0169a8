"""The logs of `lineal up` are bounded while it runs: a busy server writes a line for each request."""

import subprocess
import sys

import pytest

from config import forking, processes


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 1_000)
    monkeypatch.setattr(forking, "can_fork", lambda: False)  # this process has threads of other tests
    monkeypatch.setenv("LINEAL_RUN_DIR", str(tmp_path / "run"))
    made = processes.Fleet(tmp_path)
    yield made
    made._lock.close()


def test_a_log_that_grew_too_large_is_moved_aside_and_its_process_goes_on(fleet):
    path = fleet.logs / "web.log"
    with path.open("ab") as log:
        writer = subprocess.Popen(
            [sys.executable, "-uc", "print('x' * 2000); input(); print('after')"], stdin=subprocess.PIPE, stdout=log
        )
    while not path.stat().st_size:
        assert writer.poll() is None

    fleet._bound_logs()
    writer.communicate(b"\n")

    assert path.read_text() == "after\n"
    assert path.with_suffix(".log.1").read_text() == "x" * 2000 + "\n"


def test_a_small_log_stays(fleet):
    path = fleet.logs / "web.log"
    path.write_text("a line\n")

    fleet._bound_logs()

    assert path.read_text() == "a line\n"
    assert not path.with_suffix(".log.1").exists()
