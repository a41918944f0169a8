"""What a dead process left in the spool arrives exactly once, and what cannot be delivered is said and kept."""

import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

import lineal
import msgspec
import pytest
from lineal import _credentials, _spool
from lineal._spool import Header, Spool
from lineal._spool_reader import Reader

from tests.client.fake_server import FakeRun

TRAINING = """
import lineal, os, sys, threading
run = lineal.start_run("churn", params={"lr": 0.1})
print(run.id, flush=True)
step = 0
while True:
    run.log({"loss": step, "acc": -step}, step=step)
    step += 1
    if step % 50 == 0:
        threading.Event().wait(0.001)
"""


@pytest.fixture
def killed(tmp_path):
    """`killed(after_s)`: the id of a run whose process was killed that long after it started to log."""

    def make(after_s, text=TRAINING, **env):
        path = tmp_path / "train.py"
        path.write_text(text)
        process = subprocess.Popen(
            [sys.executable, str(path)], env={**os.environ, **env}, stdout=subprocess.PIPE, text=True
        )
        run = process.stdout.readline().strip()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return run

    return make


def spooled_points(spool_dir, run):
    """How many points of `loss` the spool of a dead run holds, by its own reader; segments that were confirmed are gone."""
    (folder,) = [path.parent for path in spool_dir.glob(f"*/*/{run}/*/lock")]
    reader, last = Reader(folder), -1
    while (record := reader.peek()) is not None:
        if record.kind == "batch":
            for columns in msgspec.msgpack.decode(record.fields["body"])["metrics"]:
                last = max(last, int.from_bytes(columns["steps"][-8:], "little"))
        reader.advance()
    reader.close()
    return last + 1


@pytest.fixture
def spool_of_ten(fake):
    """The spool of a process that died after ten batches, none of them sent."""
    header = Header(fake.url, "default", "c" * 32, "d" * 32, "churn", owner=True)
    spool = Spool(header)
    spool.append("create", body={"id": "c" * 32, "experiment": "churn"})
    for sequence in range(1, 11):
        spool.append("batch", sequence=sequence, body=batch(header.writer, sequence))
    spool.close()
    _credentials.remember(fake.url, token="lnl_fake", vkey=None)
    return spool.folder


def batch(writer, sequence):
    packed = sequence.to_bytes(8, "little")
    columns = {"key": "loss", "steps": packed, "times": packed, "values": struct.pack("<d", sequence)}
    return msgspec.msgpack.encode({"writer": writer, "sequence": sequence, "metrics": [columns]})


# -- kills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.4])
def test_every_point_of_a_killed_job_that_was_spooled_arrives_exactly_once(fake, killed, spool_dir, after_s):
    """The server loses answers all the while, so the client often cannot know whether a batch was stored."""
    fake.drop("/batches", times=3)

    run = killed(after_s + random.uniform(0, 0.1))
    spooled = spooled_points(spool_dir, run)
    report = lineal.sync()

    values = fake.runs[run].values("loss")
    assert report.ok, report
    assert values == list(map(float, range(len(values))))
    assert len(values) >= spooled
    assert fake.runs[run].values("acc") == [-value for value in values]
    assert fake.runs[run].status == "killed"
    assert not list(spool_dir.rglob("*"))


def test_a_job_without_a_server_loses_nothing_that_was_spooled(fake, killed, spool_dir):
    """Killed while the server was away, and synced by another process once it is back."""
    fake.refuse("", 503, times=1_000_000, retry_after="0.01")
    run = killed(0.5)
    spooled = spooled_points(spool_dir, run)
    assert spooled > 100
    fake.faults.clear()

    report = lineal.sync()

    assert report.ok
    assert fake.runs[run].values("loss") == list(map(float, range(spooled)))
    assert fake.runs[run].params == {"lr": 0.1}


def test_a_kill_costs_at_most_the_last_200_milliseconds(fake, killed, tmp_path, spool_dir):
    text = """
import lineal, sys, time
run = lineal.start_run("churn")
print(run.id, flush=True)
marks = open(sys.argv[0] + ".marks", "a", buffering=1)
step = 0
while True:
    run.log({"loss": step}, step=step)
    marks.write(f"{time.time()} {step}\\n")
    step += 1
    time.sleep(0.001)
"""
    run = killed(0.8, text)
    died_at = time.time()
    lineal.sync()

    logged = [line.split() for line in (tmp_path / "train.py.marks").read_text().splitlines()]
    old = [int(step) for at, step in logged if float(at) < died_at - 0.5]  # 0.2, and some for this busy machine
    assert old
    assert set(map(float, old)) <= set(fake.runs[run].values("loss"))


def test_files_of_a_killed_job_arrive(fake, killed, tmp_path):
    fake.refuse("/artifacts", 503, times=1_000_000, retry_after="0.01")
    text = """
import lineal, pathlib, sys, time
run = lineal.start_run("churn")
path = pathlib.Path(sys.argv[0] + ".bin")
path.write_bytes(b"weights")
run.log_artifact(path, path="model/weights.bin")
path.unlink()
run._sender.drain()
print(run.id, flush=True)
time.sleep(60)
"""
    run = killed(0.0, text)
    fake.faults.clear()

    report = lineal.sync()

    assert report.ok
    assert report.streams[0].files == 1
    assert fake.runs[run].artifacts == {"model/weights.bin": b"weights"}


# -- what sync does ---------------------------------------------------------------------------------------------------


def test_a_dead_run_is_sent_and_ended_as_killed(fake, spool_of_ten, spool_dir):
    (found,) = lineal.sync().streams

    assert (found.state, found.batches, found.records, found.run) == ("sent", 10, 11, "c" * 32)
    assert fake.runs["c" * 32].values("loss") == list(map(float, range(1, 11)))
    assert fake.runs["c" * 32].status == "killed"
    assert fake.runs["c" * 32].finishes[0]["ended_at"].endswith("Z")
    assert not list(spool_dir.rglob("*"))
    assert lineal.sync().streams == []


RUN = "0193" + "c2" * 14


def leftover(fake, writer, *records, resume=False):
    """The spool of a dead process that had started the run, or had taken it up again."""
    spool = Spool(Header(fake.url, "default", RUN, writer * 32, "churn", owner=True))
    spool.append("create", body={"id": RUN, "experiment": "churn"}, resume=resume)
    spool.append("batch", sequence=1, body=batch(writer * 32, 1))
    for kind, body in records:
        spool.append(kind, body=body)
    spool.close()
    return spool.folder


@pytest.mark.parametrize("resume", [False, True], ids=["started", "resumed"])
def test_what_a_dead_process_left_does_not_undo_the_end_of_its_run(fake, resume, spool_dir):
    """A job that was killed, requeued, and came to its end."""
    leftover(fake, "a", resume=resume)
    fake.runs[RUN] = FakeRun({"id": RUN}, status="finished", finishes=[{"status": "finished"}])

    assert lineal.sync().ok

    assert fake.runs[RUN].values("loss") == [1.0]
    assert fake.runs[RUN].status == "finished"
    assert len(fake.runs[RUN].finishes) == 1
    assert not any(request.endswith("/resume") for request in fake.requests)
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.parametrize(("ended_at", "status"), [("2026-01-01", "failed"), ("2026-01-03", "finished")])
def test_of_two_ends_of_a_run_the_later_one_stands(fake, ended_at, status):
    """The first attempt failed without a network, and only `lineal sync` tells of it."""
    leftover(fake, "a", ("finish", {"status": "failed", "ended_at": "2026-01-02T00:00:00Z"}))
    ended = {"status": "finished", "ended_at": f"{ended_at}T00:00:00.5Z"}
    fake.runs[RUN] = FakeRun({"id": RUN}, status="finished", finishes=[ended])

    assert lineal.sync().ok
    assert fake.runs[RUN].status == status


def test_a_run_that_a_living_process_has_taken_up_is_not_ended_by_what_another_left(fake, spool_dir):
    left = leftover(fake, "a")
    run = lineal.start_run("churn", run_id=RUN)
    run.log({"loss": 2.0})
    run.flush()

    found = {each.folder: each for each in lineal.sync().streams}[str(left)]
    assert (found.state, found.detail) == ("living", "another process goes on with its run")
    assert fake.runs[RUN].status == "running"
    run.finish()

    assert lineal.sync().ok
    assert sorted(fake.runs[RUN].values("loss")) == [1.0, 2.0]
    assert [finish["status"] for finish in fake.runs[RUN].finishes] == ["finished"]
    assert not list(spool_dir.rglob("*.seg"))


def test_a_living_process_is_left_alone(fake, spool_dir):
    with fake.lock:
        run = lineal.start_run("churn")
        run.log({"loss": 1.0})
        run._sender.drain()
        (found,) = lineal.sync().streams
        assert found.state == "living"
    run.finish()

    assert fake.runs[run.id].values("loss") == [1.0]
    assert len(fake.runs[run.id].finishes) == 1


def test_two_syncs_at_once_send_nothing_twice(fake, spool_of_ten):
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(lineal.sync())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert fake.runs["c" * 32].values("loss") == list(map(float, range(1, 11)))
    assert sum(len(report.sent) for report in reports) == 1


def test_syncing_again_after_a_lost_position_stores_nothing_twice(fake, spool_of_ten):
    fake.refuse("/finish", 404)
    assert lineal.sync().streams[0].state == "stopped"
    (spool_of_ten / "acked.json").unlink(missing_ok=True)

    assert lineal.sync().ok
    assert fake.runs["c" * 32].values("loss") == list(map(float, range(1, 11)))


def test_an_unreachable_server_is_given_up_once_and_everything_stays(fake, spool_dir, monkeypatch):
    monkeypatch.setattr("lineal._sync.PATIENCE_S", 0.05)
    for letter in "ef":
        header = Header("http://127.0.0.1:9", "default", letter * 32, letter * 32, "churn", owner=True)
        spool = Spool(header)
        spool.append("create", body={"id": letter * 32, "experiment": "churn"})
        spool.close()

    report = lineal.sync()

    assert [each.state for each in report.streams] == ["unreachable", "unreachable"]
    assert not report.ok
    assert len(list(spool_dir.rglob("*.seg"))) == 2


def test_a_token_goes_to_no_server_but_its_own(fake, spool_of_ten, monkeypatch):
    """LINEAL_TOKEN belongs to LINEAL_URL; a spool that names another server does not get it."""
    _credentials.forget(fake.url)
    monkeypatch.setenv("LINEAL_URL", "http://127.0.0.1:9")

    (found,) = lineal.sync().streams

    assert found.state == "stopped"
    assert "401" in found.detail
    assert fake.runs == {}


def test_runs_without_a_server_go_to_the_configured_one(fake, monkeypatch, spool_dir):
    monkeypatch.delenv("LINEAL_URL")
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})
    monkeypatch.setenv("LINEAL_URL", fake.url)

    assert lineal.sync().ok

    assert fake.runs[run.id].values("loss") == [1.0]
    assert fake.runs[run.id].status == "finished"
    assert not list(spool_dir.rglob("*.seg"))


def test_a_flipped_byte_costs_one_batch_which_is_reported(fake, spool_of_ten):
    """The stream goes on: an empty batch takes the place of the damaged one, so that its number is not missing."""
    path = _spool.segment_path(spool_of_ten, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)

    report = lineal.sync()

    values = fake.runs["c" * 32].values("loss")
    assert len(values) == 9
    assert sorted(set(values)) == values
    assert report.streams[0].missing == 1
    assert not report.ok
    assert not list(spool_of_ten.parent.rglob("*.seg"))


def test_a_truncated_spool_gives_all_that_is_whole(fake, spool_of_ten):
    path = _spool.segment_path(spool_of_ten, 1)
    path.write_bytes(path.read_bytes()[:-7])

    assert lineal.sync().ok
    assert fake.runs["c" * 32].values("loss") == list(map(float, range(1, 10)))


def test_a_refused_batch_is_kept_and_reported(fake, spool_of_ten, spool_dir):
    fake.refuse("/batches", 422)

    report = lineal.sync()

    assert len(report.streams[0].refused) == 1
    assert not report.ok
    assert fake.runs["c" * 32].values("loss") == list(map(float, range(2, 11)))
    assert list(spool_dir.rglob("refused/*.msgpack"))
    assert lineal.sync().streams == []
    assert list(spool_dir.rglob("refused/*.msgpack"))


def test_an_empty_spool_is_no_error(client_home):
    assert lineal.sync().ok
    assert lineal.sync(client_home / "nowhere").streams == []


# -- a server that was restored from an older backup ------------------------------------------------------------------


def test_a_run_that_the_server_has_lost_stays_on_disk_and_the_way_out_is_told(fake, spool_of_ten):
    _spool.write_acked(spool_of_ten, 9)

    (found,) = lineal.sync().streams

    assert found.state == "stopped"
    assert "`lineal sync --recreate`" in found.detail
    assert fake.runs == {}
    assert list(spool_of_ten.glob("*.seg"))


def test_a_run_that_the_server_has_lost_is_begun_anew_when_asked(fake, spool_of_ten):
    """With all that is on disk, what was confirmed before included."""
    _spool.write_acked(spool_of_ten, 9)

    (found,) = lineal.sync(recreate=True).streams

    assert found.state == "sent"
    assert fake.runs["c" * 32].values("loss") == list(map(float, range(1, 11)))
    assert fake.runs["c" * 32].status == "killed"


def test_a_run_that_the_server_knows_is_not_begun_anew(fake, spool_of_ten):
    assert lineal.sync(recreate=True).streams[0].batches == 10
    assert [request for request in fake.requests if request.endswith("/runs")] == ["POST /api/v1/runs"]


def test_a_run_whose_beginning_was_cleared_away_cannot_be_begun_anew(fake, spool_of_ten):
    header = Header(fake.url, "default", "c" * 32, "d" * 32, "churn", owner=True)
    (segment,) = spool_of_ten.glob("*.seg")
    segment.unlink()
    later = Spool(header)
    later.append("batch", sequence=11, body=batch(header.writer, 11))
    later.close()
    _spool.write_acked(spool_of_ten, 0)

    (found,) = lineal.sync(recreate=True).streams

    assert found.state == "stopped"
    assert "cannot be begun anew" in found.detail


def test_a_file_that_was_delivered_and_lost_again_is_named(fake, spool_of_ten):
    spool = Spool(Header(fake.url, "default", "e" * 32, "f" * 32, "churn", owner=True))
    spool.append("create", body={"id": "e" * 32, "experiment": "churn"})
    spool.append("artifact", path="model.bin", size=3, sha256="0" * 64, file="gone")
    spool.append("batch", sequence=1, body=batch("f" * 32, 1))
    spool.close()
    _spool.write_acked(spool.folder, 2)

    found = {each.run: each for each in lineal.sync(recreate=True).streams}["e" * 32]

    assert fake.runs["e" * 32].values("loss") == [1.0]
    assert "file model.bin" in found.refused[0]
    assert "log it again" in found.refused[0]
