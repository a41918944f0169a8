"""What the doctor says of a database that is not as it should be; on both kinds."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config import doctor_database, doctor_parts
from config.findings import without_secrets
from core.models import Job

pytestmark = pytest.mark.django_db


def found_by(check):
    return [(finding.check, finding.state) for finding in check()]


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_missing_index_is_named():
    execute("DROP INDEX job_failed")

    (finding,) = doctor_database.indexes()

    assert finding.state == "fail"
    assert "job_failed" in finding.detail


def test_all_indexes_stand_after_the_migrations():
    assert found_by(doctor_database.indexes) == [("indexes", "ok")]
    (finding,) = doctor_database.indexes()
    assert int(finding.detail.split()[1]) > 80


@pytest.mark.django_db(transaction=True)
def test_large_tables_that_the_planner_knows_nothing_of_are_named(monkeypatch):
    """Loading a store by COPY and searching at once is the usual way to meet this."""
    monkeypatch.setattr(doctor_database, "LARGE_ROWS", 100)
    now = timezone.now()
    Job.objects.bulk_create(Job(name="tests.nothing", created_at=now, due_at=now) for _ in range(200))
    if connection.vendor != "postgresql":
        assert found_by(doctor_database.statistics) == [("statistics", "ok")]
        return
    execute("SELECT pg_stat_force_next_flush()")

    (finding,) = doctor_database.statistics()
    execute(f"ANALYZE {Job._meta.db_table}")

    assert finding.state == "warn"
    assert Job._meta.db_table in finding.detail
    assert found_by(doctor_database.statistics) == [("statistics", "ok")]


@pytest.fixture
def without_a_guard(transactional_db):
    from audit import guards

    suffix = " ON audit_event" if connection.vendor == "postgresql" else ""
    name = "audit_event_no_change" if connection.vendor == "postgresql" else "audit_event_no_update"
    execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")
    yield name
    guards.install(connection)


def test_a_guard_that_fell_is_named(without_a_guard):
    (finding,) = doctor_database.guards()

    assert finding.state == "fail"
    assert without_a_guard in finding.detail


def test_an_unapplied_migration_is_named():
    latest = MigrationRecorder.Migration.objects.filter(app="core").latest("name").name
    with transaction.atomic():
        execute(f"DELETE FROM django_migrations WHERE app = 'core' AND name = '{latest}'")
        (finding,) = doctor_database.migrations()
        transaction.set_rollback(True)

    assert finding.state == "fail"
    assert f"core.{latest}" in finding.detail


def test_a_newer_release_in_the_database_is_no_failure():
    """While releases roll, the old one serves on the new one's schema."""
    execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '0999_from_tomorrow', CURRENT_TIMESTAMP)"
    )

    assert found_by(doctor_database.migrations) == [("migrations", "warn")]


def test_a_role_that_owns_the_ledgers_tables_is_warned_of():
    (finding,) = doctor_database.roles()

    assert finding.state == ("warn" if connection.vendor == "postgresql" else "ok")


def test_jobs_that_are_late_or_given_up_are_told_apart():
    now = timezone.now()
    Job.objects.create(name="a.late", created_at=now, due_at=now - timedelta(minutes=5))
    Job.objects.create(name="a.lost", created_at=now, due_at=now, failed_at=now, last_error="Boom: it broke\nat line 3")

    late, lost = doctor_parts.jobs()

    assert (late.check, late.state) == ("jobs", "fail")
    assert "5 minutes" in late.detail
    assert (lost.check, lost.state) == ("failed jobs", "warn")
    assert lost.detail == "1 of a.lost, last: Boom: it broke"


def test_passwords_of_the_environment_are_masked(monkeypatch):
    monkeypatch.setenv("LINEAL_DATABASE_URL", "postgresql://u:p%40ss-word@db/x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-key")

    assert without_secrets("p@ss-word and p%40ss-word at canary-key") == "… and … at …"
