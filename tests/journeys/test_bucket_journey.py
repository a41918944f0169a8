"""A whole server on a bucket, with the real client: nothing is lost to a killed job, nor to a bucket that goes away and comes back."""

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import lineal
import pytest
import urllib3
from lineal._direct import DirectSender

from tests import s3
from tests.server import free_port, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

SIZE = 34 * 1_000_000  # five parts
JOB = """
import sys, time, lineal
from lineal._direct import DirectSender
real, sent = DirectSender._put, []
def put(self, piece, number, link):
    if len(sent) >= 2:
        time.sleep(600)
    sent.append(number)
    real(self, piece, number, link)
    print("sent", number, flush=True)
DirectSender._put = put
run = lineal.start_run("killed")
print("run", run.id, flush=True)
run.log({"loss": 1.0}, step=0)
run.log_artifact(sys.argv[1])
time.sleep(600)
"""


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """rclone, which keeps objects as files: what it holds survives its end."""
    with s3.running(s3.rclone(tmp_path_factory.mktemp("buckets"))) as server:
        s3.make_bucket(server.url, "lineal-journey")
        yield server


@pytest.fixture(scope="module")
def server(storage, tmp_path_factory):
    settings = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": storage.url, "LINEAL_BLOBS_URL": "s3://lineal-journey/team"}
    with running_server(tmp_path_factory.mktemp("server"), **settings) as running:
        yield running


@pytest.fixture
def connected(server, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_URL", server.url)
    monkeypatch.setenv("LINEAL_TOKEN", server.token)
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "spool"))
    return server


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def artifact_of(run, limit_s=60):
    """The run's one file once a worker has looked at it."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        items = lineal.Client()._get(f"/runs/{run}/artifacts")["items"]
        if items and items[0]["state"] != "unverified":
            return items[0]
        time.sleep(0.1)
    raise AssertionError(f"no worker verified the file: {items}")


def test_a_job_killed_in_the_middle_of_an_upload_is_finished_by_sync(connected, file, tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(JOB)
    with subprocess.Popen([sys.executable, str(script), str(file)], stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline().split() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    (run,) = (words[1] for words in lines if words[0] == "run")
    arrived = {int(words[1]) for words in lines if words[0] == "sent"}
    sent, real = [], DirectSender._put
    monkeypatch.setattr(
        DirectSender, "_put", lambda self, piece, number, link: (sent.append(number), real(self, piece, number, link))
    )

    report = lineal.sync()

    assert report.ok
    assert len(arrived) == 2
    assert sorted(sent) == sorted({1, 2, 3, 4, 5} - arrived)
    assert artifact_of(run)["state"] == "verified"
    stored = lineal.get_run(run)
    assert (stored["status"], stored["metrics"]["loss"]["last"]) == ("killed", 1.0)
    (brought,) = lineal.Client().download_artifact(run, to=tmp_path / "back")
    assert sha256(brought.read_bytes()).digest() == sha256(file.read_bytes()).digest()


def test_a_reader_may_ask_for_a_range(connected, file):
    with lineal.start_run("ranges") as run:
        run.log_artifact(file)
    artifact_of(run.id)  # before a worker has copied it to its place, its bytes come through the server
    http = urllib3.PoolManager()

    there = http.request(
        "GET",
        f"{connected.url}/api/v1/runs/{run.id}/artifacts/content?path=model.bin",
        headers={"Authorization": f"Bearer {connected.token}"},
        redirect=False,
    )
    answer = http.request("GET", there.headers["Location"], headers={"Range": "bytes=1000-1999"})

    assert there.status == 302
    assert answer.data == file.read_bytes()[1_000:2_000]


def test_a_bucket_that_goes_away_and_comes_back_costs_nothing(connected, storage, file, tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "3")
    run = lineal.start_run("outage")
    run.log({"loss": 3.0}, step=0)
    storage.stop()
    run.log_artifact(file)
    small = tmp_path / "small.txt"
    small.write_text("small")
    run.log_artifact(small)
    run.log({"loss": 2.0}, step=1)

    run.finish()
    assert connected.healthy()
    assert lineal.get_run(run.id)["status"] == "running"
    assert not lineal.search_runs("metrics.loss < 0")
    storage.start()

    end = time.monotonic() + 120
    while lineal.get_run(run.id)["status"] == "running" and time.monotonic() < end:
        lineal.sync()
        time.sleep(0.5)
    stored = lineal.get_run(run.id)
    assert (stored["status"], stored["metrics"]["loss"]["last"]) == ("finished", 2.0)
    brought = {path.name: path for path in lineal.Client().download_artifact(run.id, to=tmp_path / "back")}
    assert brought["model.bin"].read_bytes() == file.read_bytes()
    assert brought["small.txt"].read_text() == "small"
    assert artifact_of(run.id)["state"] == "verified"


def test_a_server_says_in_one_line_what_is_wrong_with_its_bucket(storage, tmp_path):
    settings = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": storage.url, "LINEAL_BLOBS_URL": "s3://lineal-no-such-bucket"}
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")} | settings
    command = Path(sys.executable).with_name("lineal")

    done = subprocess.run(
        [command, "up", "--home", tmp_path / "home", "--port", str(free_port()), "--no-browser"],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "LINEAL_BLOBS_URL" in last
    assert "NoSuchBucket" in last


def test_a_client_in_another_network_than_the_bucket_sends_and_reads_through_the_server(
    storage, tmp_path, file, monkeypatch, caplog
):
    """The server's links lead to an address to which this machine gets no connection."""
    settings = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": storage.url, "LINEAL_BLOBS_URL": "s3://lineal-journey/closed"}
    with running_server(tmp_path / "home", **settings, LINEAL_BLOBS_PUBLIC_URL="http://127.0.0.1:9") as running:
        for name, value in {"URL": running.url, "TOKEN": running.token, "SPOOL_DIR": str(tmp_path / "spool")}.items():
            monkeypatch.setenv(f"LINEAL_{name}", value)
        with lineal.start_run("closed") as run:
            run.log_artifact(file)
            assert run.flush(60)

        assert artifact_of(run.id)["state"] == "verified"
        (brought,) = lineal.Client().download_artifact(run.id, to=tmp_path / "back")
        assert sha256(brought.read_bytes()).digest() == sha256(file.read_bytes()).digest()
    told = [record.getMessage() for record in caplog.records if "go through the server" in record.getMessage()]
    assert len(told) == 2  # by the run's connection, and by the reader's
