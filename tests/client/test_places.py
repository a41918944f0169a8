"""Where training runs: clocks that jump, homes that cannot be written, users without a name."""

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import lineal
import pytest
from lineal import _keeper, _run

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and users of POSIX")


@pytest.mark.parametrize("jump_s", [-7 * 86_400, 7 * 86_400], ids=["back", "forth"])
def test_a_clock_that_jumps_by_days_costs_no_point_and_stops_no_sending(fake, monkeypatch, jump_s):
    """Waits and intervals do not look at the clock of the wall; times of points are what it said."""
    real_ns, real, shift = time.time_ns, time.time, [0]
    monkeypatch.setattr(_run, "now_ns", lambda: real_ns() + shift[0] * 10**9)
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + shift[0] * 10**9)
    fake.refuse("/batches", 503, times=2, retry_after="0.05")

    with lineal.start_run("churn") as run:
        for step in range(100):
            if step == 50:
                shift[0] = jump_s
            run.log({"loss": step}, step=step)
        assert run.flush(10)

    points = fake.runs[run.id].points["loss"]
    assert [step for step, _, _ in points] == list(range(100))
    assert abs((points[50][1] - points[49][1]) / 1e6 - jump_s) < 5
    assert fake.runs[run.id].status == "finished"


def test_a_home_that_cannot_be_written_is_told_and_nothing_is_lost(fake, monkeypatch, tmp_path, warnings):
    monkeypatch.delenv("LINEAL_SPOOL_DIR")
    monkeypatch.setenv("HOME", "/proc/1/nothing")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})
        assert run._sender.folder.is_relative_to(tmp_path)

    assert fake.runs[run.id].values("loss") == [1.0]
    assert any("a temporary one" in sentence and "LINEAL_SPOOL_DIR" in sentence for sentence in warnings())


def test_where_no_disk_can_be_written_the_spool_is_in_memory(fake, monkeypatch, tmp_path, warnings):
    """A container with a read-only root: /dev/shm is a folder that lies in memory."""
    (tmp_path / "file").write_text("")
    memory = tmp_path / "shm"
    memory.mkdir()
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "file" / "spool"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(_keeper, "MEMORY", str(memory))

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})
        assert run._sender.folder.is_relative_to(memory)

    assert fake.runs[run.id].values("loss") == [1.0]
    assert any("in memory only" in sentence for sentence in warnings())


def test_where_nothing_can_be_written_at_all_training_goes_on_and_hears_of_it(fake, monkeypatch, tmp_path, warnings):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "file" / "spool"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(_keeper, "MEMORY", str(tmp_path / "file"))

    with lineal.start_run("churn") as run:
        for step in range(10):
            run.log({"loss": 1.0}, step=step)

    assert any("can be kept" in sentence for sentence in warnings())
    assert any("(10 points) were lost" in sentence for sentence in warnings())


@pytest.fixture
def open_place():
    """A folder that everybody may write to: those of pytest are its owner's alone, at whatever depth."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        yield place


@POSIX
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root may become somebody else")
def test_a_user_without_name_and_home_logs_all_the_same(fake, open_place):
    """What OpenShift makes of a container: a number that /etc/passwd does not know. No folder called ~ comes of it."""
    place = open_place
    text = """
        import importlib, os, pkgutil, pwd, sys
        import lineal, lineal._processes, platformdirs.unix
        for module in pkgutil.iter_modules(lineal.__path__):  # the interpreter itself may be for root's eyes only
            importlib.import_module(f"lineal.{module.name}")
        lineal._processes.import_ahead()
        os.setgid(54321)
        os.setuid(54321)
        for name in ("HOME", "LINEAL_SPOOL_DIR", "LINEAL_CREDENTIALS_FILE", "LINEAL_CACHE_DIR", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        with lineal.start_run("churn") as run:
            run.log({"loss": 1.0})
            run.log_artifact(sys.argv[0])
        assert lineal.sync().ok
    """
    (place / "train.py").write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, str(place / "train.py")], cwd=place, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0]
    assert list(stored.artifacts) == ["train.py"]
    assert sorted(path.name for path in place.iterdir()) == ["train.py"]
