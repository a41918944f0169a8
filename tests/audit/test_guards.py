import pytest
from django.db import DatabaseError, connection, transaction
from django.db.utils import ProgrammingError

from audit import guards
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPrivate
from audit.testing import guards_lifted, sequence_now

APP_ROLE = "lineal_guard_test"
postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="roles and truncation are PostgreSQL's")
sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="INSERT OR REPLACE is SQLite's")


@pytest.fixture
def ledger(db, make_event):
    """One event of everything."""
    make_event(reason="evidence")
    sequence_now()
    connection.check_constraints()  # foreign keys wait for a commit otherwise, and TRUNCATE would trip over that


def run(*statements):
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


ATTACKS = [
    "UPDATE audit_event SET body = 'forged'",
    "UPDATE audit_event SET outcome = 'denied'",
    "DELETE FROM audit_event",
    "UPDATE audit_leaf SET seq = seq + 100",
    "DELETE FROM audit_leaf",
    "UPDATE audit_checkpoint SET note = 'forged'",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_private SET value = 'null'",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owner_of_the_tables_cannot_change_what_was_written(ledger, attack):
    """A mistake in our own code, or a hand at the prompt, meets the trigger."""
    with pytest.raises(DatabaseError, match="append-only"):
        run(attack)


@pytest.mark.parametrize("model", [AuditEvent, AuditLeaf, AuditCheckpoint])
def test_the_orm_cannot_change_what_was_written(ledger, model):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.all()._raw_delete("default")


@postgresql
@pytest.mark.parametrize(
    "attack",
    [
        "TRUNCATE audit_event CASCADE",
        "TRUNCATE audit_leaf",
        "INSERT INTO audit_checkpoint SELECT * FROM audit_checkpoint ON CONFLICT (size) DO UPDATE SET note = 'forged'",
    ],
)
def test_truncate_and_upsert_meet_the_guards_too(ledger, attack):
    with pytest.raises(DatabaseError, match="append-only"):
        run(attack)


@postgresql
def test_the_replica_role_does_not_slip_past(ledger):
    with pytest.raises(DatabaseError, match="append-only"):
        run("SET LOCAL session_replication_role = replica", "DELETE FROM audit_checkpoint")


@sqlite
@pytest.mark.parametrize(
    "attack",
    [
        "INSERT OR REPLACE INTO audit_checkpoint SELECT size, root, frontier, 'forged', vkey, created_at FROM audit_checkpoint",
        "INSERT OR REPLACE INTO audit_leaf (seq, event_id, leaf_hash) SELECT seq + 1, event_id, leaf_hash FROM audit_leaf",
        "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event",
    ],
)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_insert_or_replace_is_refused_whatever_the_pragma(ledger, attack, recursive):
    """Without recursive triggers a REPLACE deletes in silence; the guard on INSERT sees it coming."""
    run(f"PRAGMA recursive_triggers={recursive}")
    try:
        with pytest.raises(DatabaseError, match="append-only"):
            run(attack)
    finally:
        run("PRAGMA recursive_triggers=ON")


@sqlite
def test_connections_have_recursive_triggers_on(db):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers")
        assert cursor.fetchone() == (1,)


def test_a_private_value_may_be_deleted(ledger):
    """That is how it is erased."""
    run("DELETE FROM audit_private")

    assert not AuditPrivate.objects.exists()


@pytest.fixture
def app_role(ledger):
    """The role that serves where another one migrates; gone with the test's transaction."""
    run(f"CREATE ROLE {APP_ROLE}", *guards.grants(APP_ROLE))
    run(f"SET LOCAL ROLE {APP_ROLE}")
    yield
    run("RESET ROLE")


@postgresql
@pytest.mark.parametrize(
    "attack",
    [
        *ATTACKS,
        "TRUNCATE audit_leaf",
        "DROP TABLE audit_leaf",
        "ALTER TABLE audit_leaf DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_leaf_no_change ON audit_leaf",
        "SET session_replication_role = replica",
    ],
)
def test_the_serving_role_lacks_the_very_right(app_role, attack):
    """Nothing but adding and reading was granted, so there is no trigger to talk about."""
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        run(attack)


@postgresql
def test_the_serving_role_can_do_its_work(app_role, make_event):
    make_event(reason="as the app")

    assert sequence_now() == 1
    run("DELETE FROM audit_private")


def test_all_guards_stand_after_migration(db):
    assert guards.missing(connection) == []


def test_a_missing_guard_is_noticed(db):
    with guards_lifted():
        assert "audit_event_no_truncate" in guards.missing(connection) or "audit_event_no_delete" in guards.missing(
            connection
        )

    assert guards.missing(connection) == []
