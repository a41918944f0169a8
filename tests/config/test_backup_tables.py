"""Rows leave either database as the same bytes, and enter either one as they were."""

import math
from datetime import UTC, datetime

import msgspec
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, Token
from audit import guards
from config.backups import loading, snapshot
from config.backups.failures import BackupFailed, Damaged
from config.backups.frames import Counted, Measured, pack
from config.backups.manifest import Table
from config.backups.snapshot import header_of, last_number, rows_of
from core.ids import uuid7
from core.models import Job
from tracking.models import Chunk, Param, Run, Series

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 26, 14, 30, 0, 123456, tzinfo=UTC)
EARLY = datetime(1, 1, 1, tzinfo=UTC)


def packed(model):
    """The file's bytes, and what the manifest would say of it."""
    rows = Counted(rows_of(model, "default"))
    measured = Measured(pack(header_of(model), rows))
    content = b"".join(measured)
    table = Table(
        name=model._meta.db_table, file="t", size=measured.size, sha256=measured.sha256, rows=rows.count,
        last_number=last_number(model, "default"),
    )  # fmt: skip
    return content, table


def load_again(model):
    """Out of the database, away, and back in."""
    content, table = packed(model)
    model.objects.all().delete()
    loading._load_table(model, table, lambda _: [content], lambda _: None)
    assert packed(model)[0] == content
    return content


@transaction.atomic
def load_in_vain(model, table, content):
    loading._load_table(model, table, lambda _: [content], lambda _: None)


def make_jobs():
    odd = {"b": [1, 2.5, None, True], "a": {"\u00fc": "\u2192 \U0001f600 \\ \" '"}, "n": 2**53, "e": [], "z": 0.1}
    for number, arguments in enumerate([{}, odd]):
        Job.objects.create(pk=number + 7, name=f"j{number}", arguments=arguments, created_at=AT, due_at=EARLY)


def test_both_databases_give_the_same_bytes():
    """The run on SQLite and the one on PostgreSQL are held to the same values."""
    make_jobs()

    names = [name for name, _ in header_of(Job)]
    rows = [dict(zip(names, row, strict=True)) for row in rows_of(Job, "default")]

    assert [{name: row[name] for name in EXPECTED_JOBS[0]} for row in rows] == EXPECTED_JOBS


ODD_JSON = '{"a":{"\u00fc":"\u2192 \U0001f600 \\\\ \\" \'"},"b":[1,2.5,null,true],"e":[],"n":9007199254740992,"z":0.1}'
TIMES = {"created_at": 1_795_703_400_123_456, "due_at": -62_135_596_800_000_000, "done_at": None}
EXPECTED_JOBS = [
    {"id": 7, "name": "j0", "arguments": "{}", "dedupe": None, "last_error": "", **TIMES},
    {"id": 8, "name": "j1", "arguments": ODD_JSON, "dedupe": None, "last_error": "", **TIMES},
]


def test_json_and_times_come_back_as_they_were():
    make_jobs()
    before = list(Job.objects.order_by("pk").values())

    load_again(Job)

    assert list(Job.objects.order_by("pk").values()) == before


def test_flags_nulls_and_ids_come_back_as_they_were(alice_account, make_token, alice):
    make_token(alice, scopes=("read", "log"))
    before = list(Token.objects.values())

    load_again(Token)

    assert list(Token.objects.values()) == before


def test_numbers_bytes_and_composite_keys_come_back_as_they_were(project, alice):
    from tracking import services

    run, _ = services.create_run(project=project, experiment="churn", actor=alice, params={"lr": 3e-4, "deep": True})
    common = {"count": 1, "last_step": 2**62, "last_time": -1}
    Series.objects.create(
        run=run, experiment=run.experiment, key="loss", last=5e-324, min=-1e308, max=math.inf, **common
    )
    Series.objects.create(run=run, experiment=run.experiment, key="nan", last=None, **common)
    Chunk.objects.create(
        run=run, key="loss", count=1, first_step=0, last_step=1, payload=bytes(range(256)), outline=b""
    )
    models = (Series, Chunk, Param)
    before = [list(model.objects.order_by("pk").values()) for model in models]

    for model in models:
        load_again(model)

    assert [list(model.objects.order_by("pk").values()) for model in models] == before
    assert Run.objects.get().uuid == run.uuid


def test_a_number_that_was_given_once_is_not_given_again(make_account):
    """The row with the highest id may have been deleted before the backup."""
    make_account("alice")
    gone = make_account("bob")
    Account.objects.filter(pk=gone.pk).delete()

    load_again(Account)

    assert make_account("carol").pk == gone.pk + 1


def test_a_table_that_never_had_a_row_begins_at_one(db):
    """Whatever numbers the database gave before, of which the backup knows nothing."""
    content, table = packed(Job)
    Job.objects.create(pk=40, name="x", created_at=AT, due_at=AT).delete()
    loading._load_table(Job, msgspec.structs.replace(table, last_number=0), lambda _: [content], lambda _: None)

    assert Job.objects.create(name="x", created_at=AT, due_at=AT).pk == 1


@pytest.mark.parametrize("name", ["AuditEvent", "AuditPrivate"])
def test_the_guards_of_the_ledger_stand_while_it_is_filled(name, home, alice_account):
    """They let rows in, and nothing change them: asked between the rows and the end of the load."""
    model = apps.get_model("audit", name)
    asked = []

    def change_what_came(count):
        with pytest.raises(DatabaseError, match=guards.REFUSAL), transaction.atomic():
            model.objects.filter(pk__gt=1_000).update(id=5_000)
        asked.append(count)

    before = model.objects.count()
    columns = [column for column, _ in header_of(model)]
    other = {"id": lambda value: value + 1_000, "uuid": lambda _: uuid7().hex, "path": lambda value: f"{value}.again"}
    rows = [
        [other[at](value) if at in other else value for at, value in zip(columns, row, strict=True)]
        for row in rows_of(model, "default")
    ]
    measured = Measured(pack(header_of(model), iter(rows)))
    content = b"".join(measured)
    table = Table(name=model._meta.db_table, file="t", size=measured.size, sha256=measured.sha256, rows=len(rows))

    loading._load_table(model, table, lambda _: [content], change_what_came)

    assert asked == [before]
    assert model.objects.count() == 2 * before > 0
    assert guards.missing(connection) == []


def test_a_row_that_is_there_already_is_named_with_its_table(home, alice_account):
    from audit.models import AuditEvent

    content, table = packed(AuditEvent)

    with pytest.raises(BackupFailed, match="audit_event cannot be filled"):
        load_in_vain(AuditEvent, table, content)


def test_columns_of_another_schema_are_named():
    content, table = packed(Job)

    with pytest.raises(Damaged, match="columns of accounts_account"):
        loading._load_table(Account, table, lambda _: [content], lambda _: None)


def test_models_of_the_backups_time_are_those_of_its_migrations(db):
    """A backup of an older release is loaded through the models that it had."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    applied = {("core", "0001_jobs_outbox"), ("audit", "0001_initial")}

    targets = loading._last_of_each_app(executor, applied)
    models = executor.loader.project_state(targets).apps

    assert targets == sorted(applied)
    tables = {model._meta.db_table for model in models.get_models()}
    assert tables >= {"core_job", "audit_event"}
    assert not any(table.startswith(("accounts_", "tracking_", "registry_")) for table in tables)
    job = models.get_model("core", "Job")
    assert "traceparent" not in {field.name for field in job._meta.fields}  # which a later migration brought


def test_every_table_is_in_a_backup(db):
    kept = {model._meta.db_table for model in snapshot.models()}
    tables = set(connection.introspection.table_names()) - {"django_migrations"} - snapshot.MADE_BY_MIGRATIONS
    assert kept == tables
