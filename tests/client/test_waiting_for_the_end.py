"""What the end of a run waits for, for how long, and what it shows meanwhile."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import lineal
import msgspec
import pytest
from lineal import _signals
from lineal._spool import Spool
from lineal._spool_reader import Reader
from lineal._uploads import Uploader

from tests.client.fake_server import Problem
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


def orphan(run, *files):
    """What a worker of the run left that was killed: a batch, and copies of files."""
    spool = Spool(run._sender.header._replace(writer="e" * 32, owner=False))
    spool.append("create", body=run._sender.create)
    for data in files:
        place = spool.new_file()
        place.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        spool.append("artifact", path=place.name, size=len(data), sha256=sha256, file=place.name)
    body = msgspec.msgpack.encode({"writer": "e" * 32, "sequence": 1, "tags": {"worker": "1"}})
    spool.append("batch", sequence=1, body=body)
    spool.close()
    return spool.folder


@pytest.mark.parametrize("trouble", ["answers", "silence", "slowness"])
def test_what_workers_left_does_not_make_the_end_wait_longer(fake, warnings, monkeypatch, trouble):
    """The server knows the run, and is in trouble with what a killed worker of it left."""
    release = threading.Event()

    def receive(self, number, **_):
        if trouble == "silence":
            self.lock.release()
            release.wait(30)
            self.lock.acquire()
        raise Problem(503, "away", {"retry-after": "0.05"} if trouble == "answers" else {})

    fake.more_routes.append(("PUT", "/uploads/([^/]+)", receive))
    if trouble == "slowness":
        monkeypatch.setattr(
            Uploader, "_send_bytes", lambda self, file, ticket: [self._on_progress(1) for _ in _ticks(30)]
        )
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    assert run.flush()
    folder = orphan(run, b"weights")
    begun = time.monotonic()
    run.finish(timeout_s=2)
    took_s = time.monotonic() - begun
    release.set()

    assert took_s < 4
    assert fake.runs[run.id].status == "finished"
    assert fake.runs[run.id].values("loss") == [1.0]
    assert any(folder.parent.name in sentence and "`lineal sync`" in sentence for sentence in warnings())
    assert list(folder.glob("*.seg"))


def _ticks(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.05)
        yield


def test_ends_of_many_runs_share_the_grace_of_a_job_that_is_told_to_go(fake, monkeypatch):
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.05")
    monkeypatch.setattr(_signals, "WAIT_S", 0.4)
    monkeypatch.setattr(_signals, "LEAST_S", 0.01)
    runs = [lineal.start_run("churn") for _ in range(4)]
    for run in runs:
        run.log({"loss": 1.0})
    monkeypatch.setattr(_signals._State, "terminated_at", time.monotonic())
    patience = []
    for run in runs:
        patience.append(_signals.patience_s(60))
        run.finish("killed")

    assert patience[0] <= 0.4
    assert patience[1:] == [0.01] * 3


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
