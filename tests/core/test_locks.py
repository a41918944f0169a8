"""One at a time: what a named lock promises, on both databases."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction

from core.locks import key_of, lock_in_transaction, only_one

pytestmark = pytest.mark.django_db


def test_a_second_taker_gets_nothing_until_the_first_is_done(home):
    with only_one("sweep") as first, only_one("sweep") as second, only_one("another sweep") as other:
        assert (first, second, other) == (True, False, True)
    with only_one("sweep") as third:
        assert third


def test_who_waits_gets_the_lock_when_it_is_let_go(home):
    taken, let_go, order = threading.Event(), threading.Event(), []

    def hold():
        with only_one("migrate"):
            taken.set()
            let_go.wait(10)
            order.append("first")

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(10)
    timer = threading.Timer(0.3, let_go.set)
    timer.start()
    with only_one("migrate", wait_s=20) as held:
        order.append("second")
    holder.join()

    assert held
    assert order == ["first", "second"]


def test_the_caller_s_transaction_is_left_alone(home):
    with transaction.atomic(), only_one("sweep") as held:
        assert held
        assert connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_a_holder_that_is_killed_lets_go(home):
    """Nothing has to be cleaned up after a crash. On SQLite another process holds it; PostgreSQL ends the backend."""
    if connection.vendor == "postgresql":
        with only_one("sweep"):
            _end_backend_that_holds_a_lock()
            with only_one("sweep", wait_s=5) as successor:
                assert successor
        return
    folder = home / "run" / "locks"
    folder.mkdir(parents=True)
    script = "import fcntl,sys,time; f=open(sys.argv[1],'a'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(99)"
    path = str(folder / f"{key_of('sweep'):016x}")
    holder = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        with only_one("sweep") as held:
            assert not held
    finally:
        holder.kill()
        holder.communicate()
    with only_one("sweep", wait_s=5) as held:
        assert held


def _end_backend_that_holds_a_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(  # of this database alone: other workers of the suite have their own on the same server
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        )
        assert cursor.fetchall() == [(True,)]


@pytest.mark.django_db(transaction=True)
def test_a_lock_in_a_transaction_ends_with_it(home):
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite the transaction itself is the lock")
    with transaction.atomic():
        assert lock_in_transaction("cycles", wait=False)
        found = []
        thread = threading.Thread(target=lambda: found.append(_tries("cycles")))
        thread.start()
        thread.join()
        assert found == [False]
    began = time.monotonic()
    with transaction.atomic():
        assert lock_in_transaction("cycles")
    assert time.monotonic() - began < 5


def _tries(name: str, **options: bool) -> bool:
    try:
        with transaction.atomic():
            return lock_in_transaction(name, wait=False, **options)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_shared_lock_is_held_together_and_keeps_others_out(home):
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite the transaction itself is the lock")
    with transaction.atomic(), ThreadPoolExecutor(1) as another:
        assert lock_in_transaction("deletions", shared=True)
        assert another.submit(_tries, "deletions", shared=True).result()
        assert not another.submit(_tries, "deletions").result()


def test_no_room_locks_by_hand():
    """A number chosen by hand may be another's as well, and a lock outside a transaction is none."""
    root = Path(__file__).parents[2]
    rooms = [path.parent for path in root.glob("*/apps.py")]
    by_hand = [
        str(path.relative_to(root))
        for room in rooms
        for path in room.rglob("*.py")
        if "pg_advisory" in path.read_text() or "pg_try_advisory" in path.read_text()
    ]
    assert len(rooms) > 5
    assert by_hand == ["core/locks.py"]


@pytest.mark.django_db(transaction=True)
def test_a_lock_in_a_transaction_needs_one():
    with pytest.raises(transaction.TransactionManagementError, match="needs a transaction"):
        lock_in_transaction("cycles")


def test_a_name_has_one_number_of_63_bits():
    assert key_of("a") == key_of("a") != key_of("b")
    assert 0 <= key_of("a") < 2**63
