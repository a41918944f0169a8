"""Rows leave either database as the same bytes, and enter either one as they were."""

import math
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from accounts.models import Account, Token
from audit import guards
from config.backups import loading, snapshot
from config.backups.failures import BackupFailed, Damaged
from config.backups.frames import Counted, Measured, pack
from config.backups.manifest import Table
from config.backups.snapshot import header_of, last_number, rows_of
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
    content, table = packed(Job)
    loading._load_table(Job, table, lambda _: [content], lambda _: None)

    assert table.last_number == 0 or table.last_number is not None
    assert Job.objects.create(name="x", created_at=AT, due_at=AT).pk == table.last_number + 1


def test_the_guards_of_the_ledger_stand_while_it_is_filled(home, alice_account):
    from audit.models import AuditEvent, AuditPrivate

    for model in (AuditEvent, AuditPrivate):
        content, table = packed(model)
        with pytest.raises(BackupFailed, match=f"{model._meta.db_table} cannot be filled"):
            load_in_vain(model, table, content)
    assert guards.missing(connection) == []


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
    assert {model._meta.db_table for model in models.get_models()} >= {"core_job", "audit_event"}


def test_every_table_is_in_a_backup(db):
    kept = {model._meta.db_table for model in snapshot.models()}
    tables = set(connection.introspection.table_names()) - {"django_migrations"} - snapshot.MADE_BY_MIGRATIONS
    assert kept == tables
