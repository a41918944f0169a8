"""A limit on reads: what it stops, and what it leaves alone, on both databases."""

import sqlite3
import time
from contextlib import nullcontext

import pytest
from django.db import connection, transaction

from accounts.models import Project
from core import time_limits
from core.errors import Invalid
from core.time_limits import time_limit

COUNT_UP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT max(i) FROM n"
FOR_AGES = 1_000_000_000


def ask(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def too_slow(seconds):
    return Invalid(f"took longer than {seconds:g} s")


@pytest.mark.parametrize("in_transaction", [True, False], ids=["in a transaction", "alone"])
@pytest.mark.django_db(transaction=True)
def test_a_slow_read_is_stopped_and_the_connection_serves_on(in_transaction):
    began = time.monotonic()
    around = transaction.atomic() if in_transaction else nullcontext()
    with pytest.raises(Invalid, match=r"longer than 0\.1 s"), around, time_limit(0.1, too_slow):
        ask(COUNT_UP, FOR_AGES)

    assert time.monotonic() - began < 5
    assert ask(COUNT_UP, 400_000) == 400_000


@pytest.mark.django_db(transaction=True)
def test_many_quick_reads_share_one_limit():
    """A search is several statements; each within the limit, they may not add up to more."""
    began, done = time.monotonic(), []

    def ask_and_ask():
        while time.monotonic() - began < 20:
            done.append(ask(COUNT_UP, 30_000))

    with pytest.raises(Invalid), time_limit(0.3, too_slow):
        ask_and_ask()

    assert len(done) > 1
    assert time.monotonic() - began < 5


@pytest.mark.django_db
def test_a_write_inside_is_refused_before_it_is_sent(project):
    """What is stopped in the middle of a write takes the writer's whole transaction with it."""
    with pytest.raises(RuntimeError, match="Only reads"), transaction.atomic(), time_limit(1, too_slow):
        Project.objects.filter(pk=project.pk).update(name="other")

    assert Project.objects.get(pk=project.pk).name == project.name


@pytest.mark.django_db
def test_the_limit_around_another_holds_inside_it():
    def ask_after_another_limit():
        with time_limit(30, lambda seconds: AssertionError("the inner limit was not reached")):
            ask("SELECT %s", 1)
        ask(COUNT_UP, FOR_AGES)

    with pytest.raises(Invalid, match=r"0\.1 s"), time_limit(0.1, too_slow):
        ask_after_another_limit()


@pytest.mark.django_db
def test_an_inner_limit_is_no_longer_than_what_is_left():
    began = time.monotonic()
    with pytest.raises(Invalid), time_limit(0.1, too_slow), time_limit(30, too_slow):
        ask(COUNT_UP, FOR_AGES)

    assert time.monotonic() - began < 5


@pytest.mark.django_db
def test_work_that_is_no_query_is_stopped_when_it_asks():
    def compute(deadline):
        while True:
            deadline.check()

    with pytest.raises(Invalid), time_limit(0.02, too_slow) as deadline:
        compute(deadline)


@pytest.mark.django_db(transaction=True)
def test_a_write_after_a_stopped_read_commits(project):
    """SQLite's progress handler is gone, and PostgreSQL's limit with its transaction."""
    with pytest.raises(Invalid), time_limit(0.05, too_slow):
        ask(COUNT_UP, FOR_AGES)
    with transaction.atomic():
        Project.objects.filter(pk=project.pk).update(description="later")
        ask(COUNT_UP, 300_000)

    assert Project.objects.get(pk=project.pk).description == "later"


@pytest.mark.django_db(transaction=True)
def test_a_limited_read_keeps_no_writer_waiting(project):
    """On SQLite a transaction of ours would begin IMMEDIATE and take the lock that writers need."""
    if connection.vendor != "sqlite":
        pytest.skip("on PostgreSQL readers and writers never wait for each other")
    with time_limit(5, too_slow):
        Project.objects.count()
        assert not connection.in_atomic_block
        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0, uri=True)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
        finally:
            other.close()


@pytest.mark.django_db
def test_the_timeout_of_a_transaction_is_as_it_was_before():
    if connection.vendor != "postgresql":
        pytest.skip("a setting of PostgreSQL")
    before = ask("SHOW statement_timeout")
    with time_limit(1.5, too_slow):
        assert ask("SHOW statement_timeout") == "1500ms"

    assert ask("SHOW statement_timeout") == before != "0"


def test_only_what_reads_is_taken_for_a_read():
    for sql in ("SELECT 1", " (SELECT 1) UNION SELECT 2", "with a as (select 1) select * from a", 'SAVEPOINT "x"'):
        assert time_limits._READ.match(sql)
    for sql in ("INSERT INTO a VALUES (1)", "SELECTED", "DELETE FROM a", "UPDATE a SET b = 1", "CREATE TABLE a (b)"):
        assert not time_limits._READ.match(sql)
