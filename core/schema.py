"""Does the database fit this code? Older is waited for, newer is fine as long as nothing was taken away that this code needs.

A migration that takes something away (see docs/processes.md) ends with `needs_release("0.3.0")`; from then on code of an older
release neither migrates nor serves.
"""

import functools
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from django.db import DatabaseError, connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

DISTRIBUTION = "lineal-server"
_FLOOR_TABLE = "core_schemafloor"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why the schema does not fit. Waiting helps where it `may_pass`: someone else migrates."""

    detail: str
    may_pass: bool


class _Known:
    """Migrations are never taken back while a process runs, so one look that found them all is enough."""

    complete = False


def find_misfit() -> Misfit | None:
    """None when this code can work on the database.

    Raises:
        django.db.Error: the database does not answer.
    """
    floor = find_floor()
    if floor and _numbers(floor) > _numbers(release()):
        return Misfit(
            f"The database was changed for Lineal {floor} and newer, and this is Lineal {release()}: "
            "it cannot work on it. Start the newer release, or bring back a backup from before.",
            may_pass=False,
        )
    if _Known.complete:
        return None
    missing = missing_migrations()
    if missing:
        count = f"{len(missing)} migrations" if len(missing) > 1 else "a migration"
        return Misfit(f"The database lacks {count} (the first is {missing[0]}): run `lineal migrate`.", may_pass=True)
    _Known.complete = True
    return None


def missing_migrations() -> list[str]:
    """`room.0001_name` of those that this code has and the database has not, in the order of their application. Where the last of
    each room is there, nothing but the table of the applied is read.
    """
    if newest_migrations() <= set(MigrationRecorder(connection).applied_migrations()):
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


@functools.cache
def newest_migrations() -> frozenset[tuple[str, str]]:
    """The last of each room, in this code: `("room", "0001_name")`. Loads the modules of all; asks no database."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def find_floor() -> str | None:
    """The oldest release that works on this schema, if a migration has set one."""
    from core.models import SchemaFloor  # noqa: PLC0415 - migrations import this module before the apps are loaded

    try:
        return SchemaFloor.objects.values_list("release", flat=True).first()
    except DatabaseError:
        connection.ensure_connection()  # raises if that was the reason
        if _FLOOR_TABLE in connection.introspection.table_names():
            raise
        return None  # an empty database, or one of release 0.1.0


def release() -> str:
    return version(DISTRIBUTION)


def needs_release(oldest: str) -> migrations.RunPython:
    """The last operation of a migration that takes away what code older than `oldest` uses. The migration depends on
    `("core", "0002_periodic_runs_and_schema_floor")`.
    """

    def raise_floor(apps: Any, schema_editor: Any) -> None:
        floors = apps.get_model("core", "SchemaFloor").objects.using(schema_editor.connection.alias)
        row = floors.first()
        if row is None or _numbers(row.release) < _numbers(oldest):
            floors.update_or_create(pk=1, defaults={"release": oldest})

    return migrations.RunPython(raise_floor, migrations.RunPython.noop)


def _numbers(text: str) -> tuple[int, ...]:
    """`0.3.0rc1` as (0, 3, 0): a candidate of a release has its schema."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    numbers = [int(part) for part in found.group().split(".")] if found else [0]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


class AddIndexLive(migrations.AddIndex):
    """An index on a table that is large and in use: PostgreSQL builds it beside the writers (CONCURRENTLY) instead of stopping
    them. Its migration has `atomic = False` and no other operation; one that broke off leaves an invalid index, which
    is dropped by hand before the next try.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(
            schema_editor.connection.alias, to_state.apps.get_model(app_label, self.model_name)
        ):
            model = to_state.apps.get_model(app_label, self.model_name)
            schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)
