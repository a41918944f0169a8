"""Real processes on a real database: sixteen writers, rollbacks, two sequencers, and kills that leave no time to tidy up."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest

from audit import merkle
from core.ids import uuid7

ROOT = Path(__file__).parents[2]
WRITER = Path(__file__).with_name("ledger_writer.py")
THREADS = 8  # in each of two writer processes
WRITING_S = 3.0
DRAIN_LIMIT_S = 10.0


class Site:
    """A home and a database of this test's own, which processes share."""

    def __init__(self, home, database_url):
        self.home, self.url = home, database_url
        self.env = os.environ | {
            "LINEAL_HOME": str(home),
            "LINEAL_DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.started = []

    def start(self, *command):
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], env=self.env, cwd=self.home, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def start_sequencer(self):
        return self.start("-m", "django", "audit_sequencer")

    def rows(self, sql):
        connect = psycopg.connect if self.url else sqlite3.connect
        with closing(connect(self.url or self.home / "db.sqlite3")) as connection:
            return list(connection.execute(sql).fetchall())

    def count(self, table):
        return self.rows(f"SELECT count(*) FROM {table}")[0][0]

    def wait_until(self, holds, limit_s, what):
        end = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end, f"not within {limit_s} s: {what}"
            time.sleep(0.05)


pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc when a process is ready")


@pytest.fixture
def site(tmp_path, request, db):
    """`db` is only asked for so that this runs on the chosen database; its own is out of other processes' reach."""
    url = os.environ.get("LINEAL_DATABASE_URL", "")
    name = f"ledger_{uuid7().hex}"
    if url:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
    home = tmp_path / "home"
    home.mkdir()
    site = Site(home, urlunsplit(urlsplit(url)._replace(path=f"/{name}")) if url else "")
    yield site
    for process in site.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    if url:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def succeeded(process, limit_s=30):
    _, errors = process.communicate(timeout=limit_s)
    assert process.returncode == 0, errors


def catches_sigterm(pid):
    """Has the process come as far as to handle SIGTERM? Before that, the signal simply ends it."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def acts_in(log):
    """(event, began, committed) of acts that were told to their caller as done."""
    lines = log.read_text().splitlines()
    return [(UUID(event), int(began), int(committed)) for event, began, committed in map(str.split, lines)]


def test_every_committed_act_is_in_the_log_once_and_in_order_whatever_dies(site, tmp_path):
    """Sixteen writers, a tenth of their acts rolled back, a writer and a sequencer killed, two sequencers at once."""
    succeeded(site.start(WRITER, "prepare"))
    log = tmp_path / "acts.log"
    doomed_sequencer, second_sequencer = site.start_sequencer(), site.start_sequencer()
    doomed_writer, writer = (site.start(WRITER, "write", THREADS, WRITING_S, log) for _ in range(2))
    site.wait_until(lambda: site.count("audit_leaf") > 20, 60, "the sequencers to work")

    doomed_sequencer.send_signal(signal.SIGKILL)
    doomed_writer.send_signal(signal.SIGKILL)
    third_sequencer = site.start_sequencer()
    succeeded(writer)
    site.wait_until(lambda: site.count("audit_pending") == 0, DRAIN_LIMIT_S, "the log to catch up")
    for sequencer in (second_sequencer, third_sequencer):
        site.wait_until(lambda pid=sequencer.pid: catches_sigterm(pid), 20, "the sequencer to be ready")
        sequencer.send_signal(signal.SIGTERM)
    for sequencer in (second_sequencer, third_sequencer):
        succeeded(sequencer, limit_s=10)

    changes = {UUID(event) for (event,) in site.rows("SELECT event FROM state_change")}
    leaves = site.rows(
        "SELECT l.seq, e.body, l.leaf_hash FROM audit_leaf l JOIN audit_event e ON e.id = l.event_id ORDER BY l.seq"
    )
    places = {UUID(json.loads(body)["id"]): seq for seq, body, _ in leaves}
    assert len(changes) > 100, "too few acts to say anything"
    assert [seq for seq, _, _ in leaves] == list(range(len(leaves)))
    assert set(places) == changes
    assert site.count("audit_event") == len(leaves) == len(changes)
    acts = acts_in(log)
    assert {event for event, _, _ in acts} <= changes, "an act that was told as done is gone"
    assert_heads_are_signed_over(site, leaves)
    assert_causal(acts, places)


def assert_heads_are_signed_over(site, leaves):
    frontier = merkle.Frontier()
    roots = dict(site.rows("SELECT size, root FROM audit_checkpoint"))
    for _, body, leaf_hash in leaves:
        assert bytes(leaf_hash) == merkle.leaf_hash(body.encode())
        frontier.append(bytes(leaf_hash))
        if frontier.size in roots:
            assert bytes(roots.pop(frontier.size)) == frontier.root()
    assert roots == {}
    assert site.rows("SELECT max(size) FROM audit_checkpoint") == [(len(leaves),)]


def assert_causal(acts, places):
    """Whatever was committed before another act began stands before it."""
    earliest_commit_after = float("inf")
    for event, began, committed in sorted(acts, key=lambda act: places[act[0]], reverse=True):
        assert earliest_commit_after >= began, f"event {places[event]} stands before one that was done when it began"
        earliest_commit_after = min(earliest_commit_after, committed)


def test_a_sequencer_with_another_logs_key_does_not_start(site, tmp_path):
    """Its last words are one line, and the log stays as it was."""
    succeeded(site.start(WRITER, "prepare"))
    succeeded(site.start(WRITER, "write", 1, 0.2, tmp_path / "acts.log"))
    sequencer = site.start_sequencer()
    site.wait_until(lambda: site.count("audit_leaf") > 0, 20, "the log to begin")
    sequencer.send_signal(signal.SIGINT)
    succeeded(sequencer, limit_s=10)
    (site.home / "keys" / "log.key").unlink()

    _, errors = (stranger := site.start_sequencer()).communicate(timeout=20)

    assert stranger.returncode == 1
    assert "backup" in errors
    assert "Traceback" not in errors
