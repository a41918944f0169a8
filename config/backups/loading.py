"""Filling an empty database from a backup's files, in one transaction: all of it is there, or nothing.

The tables are first migrated to where the backup's were, filled through the models of that time, and then migrated on.
The ledger's guards stand all the while: they let rows in, and nothing change them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.apps.registry import Apps
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import AutoField, Field, Model

from config.backups import columns, snapshot
from config.backups.failures import BackupFailed, Damaged, Refused
from config.backups.frames import Row, Unpacked
from config.backups.manifest import Manifest, Table

Source = Callable[[str], Iterable[bytes]]


def refuse_newer(manifest: Manifest) -> None:
    """Raises Refused: this release lacks migrations that the backup's database had."""
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    lacking = [
        f"{app}.{name}" for app, names in manifest.migrations.items() for name in names if (app, name) not in known
    ]
    if lacking:
        raise Refused(
            f"The backup was made by a newer Lineal ({manifest.server_version}): this one does not know the migration "
            f"{lacking[0]}. Restore it with that release, or a later one."
        )


def migrate_to(manifest: Manifest) -> Apps:
    """Make the tables as they were in the backup's database; the models of that time. Nothing happens where they stand."""
    executor = MigrationExecutor(connection)
    applied = {(app, name) for app, names in manifest.migrations.items() for name in names}
    targets = _last_of_each_app(executor, applied)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def _last_of_each_app(executor: MigrationExecutor, applied: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Migrations of the backup that no other of its own app follows."""
    graph = executor.loader.graph
    return sorted(
        node
        for node in applied
        if not any(child.key in applied and child.key[0] == node[0] for child in graph.node_map[node].children)
    )


def migrate_on() -> None:
    """To this release's schema, with the guards and the rights of the serving role as this release has them."""
    from audit import guards, serving  # noqa: PLC0415 - needs loaded apps

    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    if guards.missing(connection):
        guards.install(connection)
    serving.grant_after_migration(using=connection.alias)


def load(manifest: Manifest, models: Apps, read: Source, advance: Callable[[int], None]) -> None:
    """Fill every table. `read` gives the bytes of a file of the backup.

    Raises:
        Damaged: a file does not hold what the manifest says.
        BackupFailed: the database does not take a row.
    """
    by_table = {model._meta.db_table: model for model in models.get_models(include_auto_created=True)}
    unknown = [table.name for table in manifest.tables if table.name not in by_table]
    if unknown:
        raise Damaged(f"The backup has a table {unknown[0]} that its own migrations do not make.")
    with transaction.atomic():
        _let_it_last()
        for table in manifest.tables:
            _load_table(by_table[table.name], table, read, advance)
        _check_counts(manifest.tables, by_table)


def _let_it_last() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _load_table(model: type[Model], table: Table, read: Source, advance: Callable[[int], None]) -> None:
    unpacked = Unpacked(read(table.file), table.file)
    fields = _fields(model, unpacked)
    converts = columns.readers([kind for _, kind in unpacked.columns])
    insert = _copy if connection.vendor == "postgresql" else _insert
    try:
        for some in unpacked:
            prepared = [_prepared(columns.convert(row, converts), fields) for row in some]
            insert(model, fields, prepared)
            advance(len(some))
        _give_numbers_after(model, table.last_number)
    except (DatabaseError, ValueError) as exc:
        words = str(exc).strip().splitlines()
        raise BackupFailed(
            f"{table.name} cannot be filled from {table.file}: {words[0] if words else type(exc).__name__}"
        ) from exc


def _fields(model: type[Model], unpacked: Unpacked) -> list[Field]:
    known = {field.column: field for field in columns.stored_fields(model)}
    expected = {column: columns.kind_of(field) for column, field in known.items()}
    if dict(unpacked.columns) != expected:
        raise Damaged(f"The columns of {model._meta.db_table} are not those that the backup's migrations make.")
    return [known[column] for column, _ in unpacked.columns]


def _prepared(values: Sequence[Any], fields: Sequence[Field]) -> list[Any]:
    return [field.get_db_prep_save(value, connection) for value, field in zip(values, fields, strict=True)]


def _insert(model: type[Model], fields: Sequence[Field], rows: Sequence[Row]) -> None:
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_named(model, fields)} VALUES ({places})", rows)  # noqa: S608 - our own names


def _copy(model: type[Model], fields: Sequence[Field], rows: Sequence[Row]) -> None:
    sql = f"COPY {_named(model, fields)} FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def _named(model: type[Model], fields: Sequence[Field]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(model._meta.db_table)} ({', '.join(quote(field.column) for field in fields)})"


def _give_numbers_after(model: type[Model], last_number: int | None) -> None:
    """A number that was given once is not given again, even if its row is gone."""
    key = model._meta.pk
    if last_number is None or not isinstance(key, AutoField):
        return
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max({key.column}), 0) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own names
        last = max(last_number, cursor.fetchone()[0])
        if connection.vendor == "postgresql":
            sequence = snapshot.serial_sequence(cursor, model)
            cursor.execute("SELECT setval(%s, %s, %s)", [sequence, max(last, 1), last > 0])
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last])


def _check_counts(tables: Sequence[Table], by_table: Mapping[str, type[Model]]) -> None:
    for table in tables:
        found = by_table[table.name]._default_manager.count()
        if found != table.rows:
            raise Damaged(f"{table.name} has {found} rows, and the backup's manifest says {table.rows}.")
