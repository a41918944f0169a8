"""What the end of a run waits for, for how long, and what it shows meanwhile."""

import os
import subprocess
import sys
import threading
import time

import lineal
import pytest
from lineal._spool_reader import Reader

from tests.client.training import script

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and users of POSIX")


def test_what_another_thread_logs_in_the_moment_of_the_end_is_kept_or_told(fake, warnings):
    """Either it arrives, or it is counted as lost, or the run was over: nothing vanishes in between."""
    run = lineal.start_run("churn")
    logged, stop = [0], threading.Event()

    def work():
        while not stop.is_set():
            run.log({"loss": logged[0]}, step=logged[0])
            logged[0] += run.is_open
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    run.finish()
    stop.set()
    thread.join()

    values = fake.runs[run.id].values("loss")
    assert values == list(map(float, range(len(values))))
    assert abs(len(values) - logged[0]) <= 1 + run._sender._keeper.lost.points


def test_the_end_waits_no_longer_than_it_is_told(fake, warnings):
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.05")
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    begun = time.monotonic()
    run.finish(timeout_s=0.3)

    assert 0.25 < time.monotonic() - begun < 5
    assert "`lineal sync` sends them" in warnings()[-1]
    reader = Reader(run._sender.folder)
    kinds = []
    while (record := reader.peek()) is not None:
        kinds.append(record.kind)
        reader.advance()
    reader.close()
    assert kinds[-1] == "finish"


WAITING = """
import lineal, lineal._progress, sys
lineal._progress.PATIENCE_S = 0.2
run = lineal.start_run("churn")
for step in range(3):
    run.log({"loss": 1.0}, step=step)
run.finish(timeout_s=2)
assert "rich" not in sys.modules or sys.stderr.isatty()
"""


@POSIX
def test_a_terminal_shows_what_is_waited_for(fake, tmp_path):
    import pty

    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.1")
    (tmp_path / "train.py").write_text(WAITING)
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    process = subprocess.Popen([sys.executable, str(tmp_path / "train.py")], stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # so Linux says that nobody holds the other end any more
            break
    os.close(ours)

    assert process.wait(60) == 0, shown
    assert b"2 records to send (HTTP 503)" in shown
    assert b"`lineal sync` sends them" in shown


def test_elsewhere_the_end_waits_in_silence_and_then_says_what_is_left(fake, tmp_path, spool_dir):
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.1")
    done = script(tmp_path, WAITING)

    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2, lines  # that it waits, and what is left in the end
    assert "waits in the spool, training goes on" in lines[0]
    assert "records are not on the server yet" in lines[1]
    assert str(spool_dir) in lines[1]
