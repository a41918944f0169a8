"""Processes that are killed, forked or restarted: what was flushed arrives exactly once, sent by whoever comes next."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import lineal
import numpy as np
import pytest
from lineal import _credentials
from lineal._locks import take

from tests.client.fake_server import TOKEN

REFERENCE = lineal.profile({"n": np.arange(500)}, key=b"k" * 16).reference()

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture
def fraud(production):
    _credentials.remember(production.url, token=TOKEN, vkey=None)
    return production.serve(reference=REFERENCE)


@pytest.fixture
def process(tmp_path):
    """`process(text)` runs a script that serves, and gives its standard output once it says that it is ready."""
    running = []

    def start(text):
        path = tmp_path / f"serve{len(running)}.py"
        path.write_text(
            "import lineal, os, signal, sys, threading, time, warnings\nwarnings.simplefilter('ignore')\n" + text
        )
        begun = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(begun)
        return begun

    yield start
    for each in running:
        each.kill()
        each.communicate()


def ended(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def killed(process):
    """Once it has said that it is ready."""
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    process.send_signal(signal.SIGKILL)
    process.communicate()


def poll(condition, limit_s=20.0):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


SERVING = """
monitor = lineal.monitor('fraud@production', flush_every=0.02)
monitor.observe({'n': 0})
while not monitor.stats().parts_made:
    time.sleep(0.01)
print('ready', flush=True)
n = 1
while True:
    monitor.observe({'n': n})
    n += 1
    if n % 5 == 0:
        time.sleep(0.001)
"""


# -- kills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serves_for_s", [0.0, 0.1, 0.3])
def test_what_a_killed_process_flushed_arrives_exactly_once(production, fraud, process, spool_dir, serves_for_s):
    """The server loses answers all the while, so the client often cannot know whether a part was stored."""
    production.drop("/profiles$", times=3)
    serving = process(SERVING)
    assert serving.stdout.readline() == "ready\n"
    time.sleep(serves_for_s)
    serving.send_signal(signal.SIGKILL)
    serving.communicate()

    report = lineal.sync()

    assert report.ok, report
    numbers = [value for profile in fraud.profiles() for value, count in values_of(profile) for _ in range(count)]
    assert sorted(numbers) == list(range(len(numbers)))
    assert len(numbers) > 0
    assert not list(spool_dir.rglob("*"))


def values_of(profile):
    column = profile.columns["n"]
    values, weights = column.kll.weighted()
    assert int(weights.sum()) == column.n
    return [(int(value), int(weight)) for value, weight in zip(values, weights, strict=True)]


AWAY = """
monitor = lineal.monitor('fraud@production')
monitor.observe({'n': 0})
while monitor.stats().version is None:
    time.sleep(0.01)
for n in range(100):
    monitor.observe({'n': n})
    if n % 10 == 9:
        monitor.flush(0.01)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.fixture
def left_over(production, fraud, process):
    """Ten parts of a process that was killed while the server took none."""
    production.refuse("/profiles$", 503, times=1_000_000)
    killed(process(AWAY))
    production.faults.clear()
    assert not fraud.parts


def test_what_waited_for_the_server_is_sent_by_sync_and_a_second_sync_finds_nothing(fraud, left_over, spool_dir):
    (found,) = lineal.sync().streams

    assert (found.state, found.monitor, found.parts, found.run) == ("sent", "fraud@production", 10, "")
    assert fraud.whole.rows == 101
    assert lineal.sync().streams == []
    assert not list(spool_dir.rglob("*"))


def test_syncs_at_once_and_a_sync_that_was_cut_off_send_nothing_twice(production, fraud, left_over):
    production.drop("/profiles$", times=2)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(lineal.sync())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert fraud.whole.rows == 101
    assert len(fraud.parts) == 10
    assert sum(stream.parts for report in reports for stream in report.streams) == 10


def test_the_next_process_that_watches_the_same_sends_it_too(fraud, left_over, spool_dir):
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe({"n": 1_000})
        poll(lambda: len(fraud.parts) >= 10)

    assert fraud.whole.rows == 102
    assert not list(spool_dir.rglob("*"))


def test_only_the_user_can_look_into_what_waits(left_over, spool_dir):
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [spool_dir, *spool_dir.rglob("*")]}

    assert len(list(spool_dir.rglob("*.part"))) == 10
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_rows_themselves_are_never_on_disk(production, fraud, process, spool_dir):
    fraud.privacy = "strict"
    production.refuse("/profiles$", 503, times=1_000_000)
    text = AWAY.replace("{'n': n}", "{'n': n, 'who': 'Ada Lovelace'}")

    killed(process(text))

    files = [path.read_bytes() for path in spool_dir.rglob("*") if path.is_file()]
    assert len(list(spool_dir.rglob("*.part"))) == 10
    assert not any(b"Ada Lovelace" in data for data in files)


def test_a_living_process_sends_by_itself(production, fraud):
    production.refuse("/profiles$", 503, times=1_000_000)
    monitor = lineal.monitor("fraud@production")
    monitor.observe({"n": 1})
    monitor.flush(0.05)

    (found,) = lineal.sync().streams

    assert (found.state, found.monitor) == ("living", "fraud@production")
    production.faults.clear()
    monitor.close()
    assert len(fraud.parts) == 1


def test_a_damaged_part_is_put_aside_and_told(fraud, left_over, spool_dir):
    first = min(spool_dir.rglob("*.part"))
    first.write_bytes(first.read_bytes()[:-1])

    report = lineal.sync()

    (found,) = report.streams
    assert not report.ok
    assert (found.parts, found.missing, len(found.refused)) == (9, 1, 1)
    assert "damaged" in found.refused[0]
    assert [path.name for path in spool_dir.rglob("refused/*.part")] == [first.name]


def test_what_the_server_refuses_or_does_not_know_stays_and_is_told(production, fraud, left_over, spool_dir):
    production.refuse("/profiles$", 422)
    production.refuse("/profiles$", 403)

    (found,) = lineal.sync().streams

    assert (found.state, len(found.refused), found.parts) == ("stopped", 1, 0)
    assert "403" in found.detail
    assert len(list(spool_dir.rglob("*.part"))) == 10
    assert lineal.sync().ok
    assert len(fraud.parts) == 9


def test_an_unreachable_server_is_given_up_and_everything_stays(production, fraud, left_over, spool_dir, monkeypatch):
    monkeypatch.setattr("lineal._sync.PATIENCE_S", 0.05)
    production.refuse("/profiles$", 500, times=1_000_000)

    (found,) = lineal.sync().streams

    assert found.state == "unreachable"
    assert len(list(spool_dir.rglob("*.part"))) == 10


def test_a_token_goes_to_no_server_but_its_own(production, fraud, left_over, monkeypatch):
    _credentials.forget(production.url)
    monkeypatch.setenv("LINEAL_URL", "http://127.0.0.1:9")

    (found,) = lineal.sync().streams

    assert found.state == "stopped"
    assert "401" in found.detail
    assert not fraud.parts


# -- ends and forks ---------------------------------------------------------------------------------------------------


def test_a_script_that_ends_without_closing_loses_nothing(production, fraud, process):
    ended(process("monitor = lineal.monitor('fraud@production')\n[monitor.observe({'n': n}) for n in range(50)]\n"))

    assert fraud.whole.rows == 50


@needs_fork
@pytest.mark.parametrize("start", ["os", "multiprocessing"])
def test_a_forked_worker_sends_what_it_observed_and_not_what_its_parent_did(fraud, process, spool_dir, start):
    """As servers do that load an application and then fork."""
    fork = {
        "os": "pid = os.fork()\nif pid == 0:\n    child()\n    sys.exit(0)\nos.waitpid(pid, 0)\n",
        "multiprocessing": "p = multiprocessing.get_context('fork').Process(target=child)\np.start()\np.join()\n",
    }[start]
    ended(
        process(
            "import multiprocessing\nmonitor = lineal.monitor('fraud@production')\n"
            "def child():\n    [monitor.observe({'n': 1000 + n}) for n in range(30)]\n"
            "[monitor.observe({'n': n}) for n in range(20)]\n" + fork + "monitor.observe({'n': 20})\n"
        )
    )

    numbers = sorted(value for profile in fraud.profiles() for value, _ in values_of(profile))
    assert numbers == [*range(21), *range(1_000, 1_030)]
    assert not list(spool_dir.rglob("*"))


@needs_fork
def test_forks_at_any_moment_hang_nothing_and_double_nothing(fraud, process, spool_dir):
    """A child inherits whatever another thread held or was profiling; it must neither wait for it nor send it again."""
    text = """
monitor = lineal.monitor('fraud@production', flush_every=0.005)
stop = threading.Event()
count = 0
def serve():
    global count
    while not stop.is_set():
        monitor.observe({'n': 0})
        count += 1
        time.sleep(0.0002)
thread = threading.Thread(target=serve)
thread.start()
children = []
for number in range(1, 11):
    time.sleep(number * 0.004)
    pid = os.fork()
    if pid == 0:
        for _ in range(20):
            monitor.observe({'n': number})
        monitor.close(20)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
stop.set()
thread.join()
monitor.close(20)
print(count, flush=True)
"""
    count = int(ended(process(text)))

    totals = dict.fromkeys(range(11), 0)
    for profile in fraud.profiles():
        for value, weight in profile.to_json()["columns"]["n"]["values"]["items"]:
            totals[int(value)] += weight
    assert totals == {0: count, **dict.fromkeys(range(1, 11), 20)}
    assert not list(spool_dir.rglob("*.part"))


@needs_fork
def test_a_child_holds_its_parent_s_lock_no_longer_than_the_parent(production, fraud, process, spool_dir):
    """Else `lineal sync` would take a dead server for a living one while a stray child of it sleeps."""
    production.refuse("/profiles$", 503, times=1_000_000)
    serving = process(
        "monitor = lineal.monitor('fraud@production')\nmonitor.observe({'n': 1})\nmonitor.flush(0.2)\n"
        "pid = os.fork()\nif pid == 0:\n    time.sleep(30)\n    os._exit(0)\n"
        "print('ready', flush=True)\nprint(pid, flush=True)\ntime.sleep(60)\n"
    )
    assert serving.stdout.readline() == "ready\n"
    stray = int(serving.stdout.readline())
    serving.kill()
    serving.wait()
    try:
        (lock,) = spool_dir.rglob("lock")
        deadline = time.monotonic() + 10  # the child lets go as its first act, which may come after its parent's end
        while (handle := take(lock)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert handle is not None
        os.close(handle)
    finally:
        os.kill(stray, signal.SIGKILL)
