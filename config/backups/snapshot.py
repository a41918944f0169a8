"""Reading a database as it stood at one moment, while others go on writing.

A connection of its own holds one transaction open: REPEATABLE READ on PostgreSQL, a deferred one on SQLite in WAL mode.
Neither keeps writers waiting. (The server's own connections begin IMMEDIATE on SQLite, which would.)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from django.apps import apps
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import AutoField, Model

from config.backups import columns
from config.backups.failures import BackupFailed
from config.backups.frames import Row

ALIAS = "snapshot"
ROWS_AT_ONCE = 1_000
MADE_BY_MIGRATIONS = frozenset({"core_schemafloor"})


@contextmanager
def snapshot() -> Iterator[str]:
    """The alias of a connection that sees one moment and can change nothing.

    Raises:
        BackupFailed: the schema is not this release's; what it holds would be read wrongly.
    """
    _refuse_other_schema()
    connections.settings[ALIAS] = _settings(connection)
    try:
        with transaction.atomic(using=ALIAS):
            _let_it_last(connections[ALIAS])
            yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


def _settings(serving: BaseDatabaseWrapper) -> dict[str, Any]:
    found = deepcopy(serving.settings_dict)
    options = found["OPTIONS"]
    if serving.vendor == "postgresql":
        from psycopg import IsolationLevel  # noqa: PLC0415 - only where there is a PostgreSQL

        options.pop("pool", None)
        options["isolation_level"] = IsolationLevel.REPEATABLE_READ
        found["DISABLE_SERVER_SIDE_CURSORS"] = False  # a pooler keeps a transaction on one connection
    else:
        options["transaction_mode"] = "DEFERRED"
        options["init_command"] = "PRAGMA query_only=ON; PRAGMA busy_timeout=20000"
    return found


def _let_it_last(reading: BaseDatabaseWrapper) -> None:
    """Said in the transaction, since a pooler lets nobody say it at the start of a connection."""
    if reading.vendor == "postgresql":
        with reading.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _refuse_other_schema() -> None:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        raise BackupFailed(
            f"The database lacks {len(waiting)} migrations of this release, as {waiting[0][0]}. Take the backup with the "
            "release that runs on it, or start this one first."
        )


def models() -> list[type[Model]]:
    """Everything that is kept in tables, in a lasting order; without what migrations write, which restoring repeats."""
    found = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return [model for model in found if model._meta.db_table not in MADE_BY_MIGRATIONS]


def applied_migrations(alias: str) -> dict[str, list[str]]:
    """By app, in the order of their names."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connections[alias]).applied_migrations()):
        found.setdefault(app, []).append(name)
    return found


def rows_of(model: type[Model], alias: str) -> Iterator[Row]:
    """All rows in the order of their keys, as the file has them. Flat memory."""
    fields = columns.stored_fields(model)
    converts = columns.writers(fields)
    keys = [field.attname for field in model._meta.pk_fields]
    stored = model._default_manager.using(alias).order_by(*keys).values_list(*(field.attname for field in fields))
    for values in stored.iterator(chunk_size=ROWS_AT_ONCE):
        yield columns.convert(values, converts)


def header_of(model: type[Model]) -> list[tuple[str, str]]:
    return [(field.column, columns.kind_of(field)) for field in columns.stored_fields(model)]


def last_number(model: type[Model], alias: str) -> int | None:
    """The last number that the table has given to a row, which may be gone again; None where it gives none."""
    key = model._meta.pk
    if not isinstance(key, AutoField):
        return None
    with connections[alias].cursor() as cursor:
        if connections[alias].vendor == "postgresql":
            sequence = serial_sequence(cursor, model)
            cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - PostgreSQL told the name
            value, is_called = cursor.fetchone()
            return int(value) if is_called else 0
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        found = cursor.fetchone()
        return int(found[0]) if found else 0


def serial_sequence(cursor: Any, model: type[Model]) -> str:
    """The quoted name of the sequence behind the table's key, on PostgreSQL."""
    key = model._meta.pk
    assert key is not None  # noqa: S101 - a typing aid
    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [model._meta.db_table, key.column])
    return str(cursor.fetchone()[0])


def count_rows(some: Sequence[type[Model]]) -> dict[str, int]:
    """Tables of the serving database that are not empty, with their rows. One query each."""
    counts = {model._meta.db_table: model._default_manager.count() for model in some}
    return {table: count for table, count in counts.items() if count}
