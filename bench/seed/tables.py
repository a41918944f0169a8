"""Many rows into a table at once: by COPY on PostgreSQL, by `executemany` on SQLite; past the ORM, which takes ten times as long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, Model


class Table:
    """The table of `model`. Columns that are not named in `columns` get the model's default."""

    def __init__(self, model: type[Model], *columns: str) -> None:
        self._model = model
        given = [_field(model, column) for column in columns]
        rest = [field for field in _fields(model) if field not in given and not field.primary_key]
        self._fields = [*given, *(field for field in rest if not field.generated)]
        self._constants = tuple(_prepared(field, field.get_default()) for field in self._fields[len(given) :])
        self._special = [
            at for at, field in enumerate(given) if field.get_internal_type() in {"UUIDField", "DateTimeField"}
        ]

    def insert(self, rows: Iterable[Sequence[Any]]) -> None:
        """Each row has a value for each of the columns that were named."""
        table = self._model._meta.db_table  # noqa: SLF001 - Django's documented API of models
        names = ", ".join(f'"{field.column}"' for field in self._fields)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row((*row, *self._constants))
            else:
                marks = ", ".join(["%s"] * len(self._fields))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", map(self._spelled, rows))

    def next_ids(self, count: int) -> range:
        """Primary keys that nobody else gets; on SQLite as long as this transaction is its writer."""
        table = self._model._meta.db_table  # noqa: SLF001 - likewise
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"SELECT min(id), max(id) FROM (SELECT nextval(pg_get_serial_sequence('{table}', 'id')) AS id "
                    f"FROM generate_series(1, {count})) made"
                )
                first, last = cursor.fetchone()
                if last - first + 1 != count:
                    raise RuntimeError("Somebody else writes to this store; seed one that is not served.")
                return range(first, last + 1)
            cursor.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
            first = cursor.fetchone()[0] + 1
            return range(first, first + count)

    def _spelled(self, row: Sequence[Any]) -> tuple[Any, ...]:
        if not self._special:
            return (*row, *self._constants)
        values = list(row)
        for at in self._special:
            values[at] = _prepared(self._fields[at], values[at])
        return (*values, *self._constants)


def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if field.column]  # noqa: SLF001 - likewise


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    return next(field for field in _fields(model) if field.column == column)


def _prepared(field: Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
