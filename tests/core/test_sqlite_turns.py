"""Writers of SQLite take turns: nobody sleeps through the moments in which nobody writes."""

import gc
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from django.db import OperationalError

from config.database import sqlite
from core import database_errors
from core.sqlite import base

pytestmark = pytest.mark.django_db  # which lets connections be made at all


@pytest.fixture
def connect(tmp_path):
    """Makes connections to a database in a file: the one that tests share lies in memory, where nobody waits."""
    defaults = {
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
        "TIME_ZONE": None,
        "CONN_HEALTH_CHECKS": False,
        "TEST": {},
    }
    opened = []

    def make(timeout=20.0):
        found = sqlite(tmp_path / "db.sqlite3") | defaults
        found["OPTIONS"]["timeout"] = timeout
        opened.append(base.DatabaseWrapper(found, alias="own"))
        opened[-1].inc_thread_sharing()
        opened[-1].ensure_connection()
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def other(tmp_path, connect):
    """A writer that is none of ours, as another process would be."""
    connect()
    with closing(sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None, check_same_thread=False)) as own:
        yield own


@pytest.mark.parametrize(("process", "interval"), [("web", base.WEB_LOOKS_S), ("worker", base.OTHERS_LOOK_S)])
def test_a_writer_looks_as_often_however_long_it_has_waited(connect, other, monkeypatch, settings, process, interval):
    """SQLite would look after 1, 3, 8, 18, 33, 53, 78, 103, 128, 178, 228, 328 ms, and then every 100 ms."""
    settings.PROCESS, looks, ours = process, [], connect()

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 300:
            other.execute("ROLLBACK")

    monkeypatch.setattr(base.time, "sleep", sleep)
    other.execute("BEGIN IMMEDIATE")

    ours.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)

    assert looks == [interval] * 300
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("PRAGMA busy_timeout=0").connection.execute("BEGIN IMMEDIATE")
    ours.rollback()


def begin(connection):
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def test_waiting_ends_with_an_error_that_says_busy(connect, other):
    ours = connect(timeout=0.05)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperationalError) as raised:
        begin(ours)

    assert isinstance(database_errors.translate(raised.value), database_errors.DatabaseBusy)
    other.execute("ROLLBACK")
    begin(ours)  # nothing is left of it
    ours.rollback()


def test_who_waits_behind_another_thread_gives_up_as_well(connect, other):
    ours = connect(timeout=0.05)
    other.execute("BEGIN IMMEDIATE")

    with base._turn, pytest.raises(OperationalError):
        begin(ours)


def test_what_comes_after_the_beginning_waits_as_sqlite_does(connect):
    ours = connect()
    begin(ours)

    assert ours.connection.execute("PRAGMA busy_timeout").fetchone() == (20_000,)


def test_looks_leave_nothing_for_the_collector(connect, other, monkeypatch):
    """A cursor that another thread collects makes that thread wait for this one's statement, with the interpreter's lock."""
    ours, looks = connect(), []
    monkeypatch.setattr(
        base.time, "sleep", lambda _: looks.append(1) or (len(looks) == 50 and other.execute("ROLLBACK"))
    )
    other.execute("BEGIN IMMEDIATE")
    gc.collect()
    before = sum(type(each) is sqlite3.Cursor for each in gc.get_objects())

    begin(ours)

    assert sum(type(each) is sqlite3.Cursor for each in gc.get_objects()) <= before + 1  # the one of ROLLBACK
    ours.rollback()


def test_threads_of_one_process_write_one_after_the_other(connect):
    held, most = [], []

    def write(ours):
        begin(ours)
        held.append(1)
        most.append(len(held))
        time.sleep(0.002)
        held.pop()
        ours.rollback()

    threads = [threading.Thread(target=write, args=(connect(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 8
