"""Connections of a pool: none that the server has closed is handed out, and none is asked for its health at each request."""

import contextlib

import psycopg
import pytest
from django.db import connection, transaction
from django.db.backends.base.base import RAN_DB_VERSION_CHECK
from psycopg_pool import ConnectionPool

from core import prepared
from core.postgresql import base

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections to lose"),
]


class Counted(psycopg.Connection):
    """Counts what it is asked."""

    asked = 0

    def execute(self, *args, **kwargs):
        self.asked += 1
        return super().execute(*args, **kwargs)


@pytest.fixture
def pool():
    given = {key: value for key, value in connection.get_connection_params().items() if key != "cursor_factory"}
    with ConnectionPool(
        kwargs=given | {"autocommit": True}, connection_class=Counted, check=base.check, min_size=1, max_size=1
    ) as made:
        made.wait(20)
        yield made


def test_a_connection_that_was_asked_just_now_is_not_asked_again(pool):
    for _ in range(3):
        with pool.connection() as opened:
            assert opened.asked == 1


def test_it_is_asked_again_after_a_while(pool, monkeypatch):
    with pool.connection() as opened:
        assert opened.asked == 1
    monkeypatch.setattr(base, "ASKED_S", 0.0)

    with pool.connection() as opened:
        assert opened.asked == 2


def test_one_that_the_server_has_closed_is_not_handed_out(pool):
    """As when the database is restarted: no request pays for it."""
    with pool.connection() as opened:
        first = opened.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])

    with pool.connection() as opened:
        assert opened.execute("SELECT pg_backend_pid()").fetchone()[0] != first


def test_ours_looks_before_it_asks():
    """Django takes no check of ours from its settings, so the pool is told of it afterwards."""
    ours = connection.copy()
    ours.settings_dict = {**ours.settings_dict, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    ours.settings_dict["OPTIONS"] = {**ours.settings_dict["OPTIONS"], "pool": {"min_size": 1, "max_size": 1}}
    ours.alias = "pooled"
    try:
        assert ours.pool._check is base.check
    finally:
        ours.close_pool()


@pytest.fixture
def ours():
    """A connection of Django's with a pool of one."""
    made = connection.copy()
    made.settings_dict = {**made.settings_dict, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    made.settings_dict["OPTIONS"] = {**made.settings_dict["OPTIONS"], "pool": {"min_size": 1, "max_size": 1}}
    made.alias = "lent"
    yield made
    made.close()
    made.close_pool()
    RAN_DB_VERSION_CHECK.discard("lent")


def test_a_connection_that_is_lent_again_is_as_a_new_one(ours):
    """Whoever had it last may have left it in a transaction, and without autocommit."""
    ours.set_autocommit(False)
    with ours.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        first = cursor.fetchone()
    ours.close()

    with ours.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == first
    assert ours.get_autocommit()
    assert ours.connection.autocommit
    assert ours.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_pool_that_was_closed_is_made_anew_with_all_its_settings(ours):
    ours.ensure_connection()
    ours.close()
    ours.close_pool()

    ours.ensure_connection()
    assert ours.connection.info.dbname == connection.settings_dict["NAME"]
    assert ours.pool._check is base.check


@pytest.mark.django_db(transaction=True)
def test_a_transaction_in_flight_ends_with_autocommit_whatever_became_of_it():
    for fails in (False, True):
        with contextlib.suppress(LookupError), prepared.pipeline(), transaction.atomic():
            with prepared.cursor() as cursor:
                cursor.execute("SELECT 1")
            assert connection.connection.pgconn.pipeline_status
            if fails:
                raise LookupError
        assert connection.get_autocommit()
        assert connection.connection.autocommit
        assert not connection.connection.pgconn.pipeline_status
        assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.django_db(transaction=True)
def test_a_flight_without_a_transaction_leaves_autocommit_as_it_was():
    with pytest.raises(LookupError), prepared.pipeline():
        raise LookupError

    assert connection.connection.autocommit


@pytest.mark.django_db(transaction=True)
def test_what_is_called_after_a_commit_is_no_more_in_flight():
    seen = []
    with prepared.pipeline(), transaction.atomic():
        transaction.on_commit(lambda: seen.append(int(connection.connection.pgconn.pipeline_status)))

    assert seen == [0]
