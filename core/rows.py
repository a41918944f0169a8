"""Rows of models by statements that are built once: for what requests write and look up all day. The ORM takes ten times as long to build
such a statement as SQLite to carry it out. Columns are the model's own, and its fields convert their values, so that a row is the same
whichever way it went.

Nothing here looks at `save` of a model, sends signals, or fills in what fields give themselves as they are saved (`auto_now`); models
that rely on any of it have no business here.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import AutoField, CharField, Field, ForeignKey, IntegerField, Model, TextField

from core import prepared

BATCH = 500  # rows in one statement at most
KEPT = 256  # statements

M = TypeVar("M", bound=Model)


def insert(rows: Sequence[Model], *, skip_known: bool = False) -> None:
    """Rows of one model, whose ids nobody asks for: none is waited for, so an error may come from a later statement
    (`prepared.pipeline`). With `skip_known` those that meet a row of the same identity are left out.
    """
    tail = "ON CONFLICT DO NOTHING" if skip_known else ""
    most = _most(type(rows[0])) if rows else BATCH
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        sql, values = _insert(type(some[0]), len(some), tail), [value for row in some for value in _values(row)]
        with prepared.cursor() as cursor:
            cursor.execute(sql, values)


def _most(model: type[Model]) -> int:
    """Rows in one statement, by how many values it may bind."""
    bound = connection.features.max_query_params
    return min(BATCH, bound // len(_stored(model))) if bound else BATCH


def insert_one(row: Model, *, unless: str = "") -> bool:
    """One row, which has its id afterwards. False where there is another of the identity that `unless` names, as
    `(model_id, digest) WHERE purged_at IS NULL` does: then nothing is done.
    """
    conflict = f"ON CONFLICT {unless} DO NOTHING " if unless else ""
    with prepared.cursor() as cursor:
        cursor.execute(_insert(type(row), 1, f"{conflict}RETURNING id"), _values(row))
        found = cursor.fetchall()  # to its end, which SQLite takes for the end of the statement
    if not found:
        return False
    row.pk = found[0][0]
    row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001 - documented, as `_meta` is below
    return True


def update(row: Model, *names: str) -> None:
    """Store those fields of a row that there is, by its id. Not waited for, as `insert`."""
    database = connections[DEFAULT_DB_ALIAS]
    fields: list[Any] = [row._meta.get_field(name) for name in names]  # noqa: SLF001
    values = [_value(field.attname, None, field, row, database) for field in fields]
    with prepared.cursor() as cursor:
        cursor.execute(_update(type(row), names), [*values, row.pk])


@lru_cache(KEPT)
def _update(model: type[Model], names: tuple[str, ...]) -> str:
    meta: Any = model._meta  # noqa: SLF001
    given = ", ".join(f"{meta.get_field(name).column} = %s" for name in names)
    return f"UPDATE {meta.db_table} SET {given} WHERE {meta.pk.column} = %s"  # noqa: S608 - names of ours


@lru_cache(KEPT)
def _insert(model: type[Model], count: int, tail: str) -> str:
    names = ", ".join(field.column for field in _stored(model))
    marks = f"({', '.join(['%s'] * len(_stored(model)))})"
    table = model._meta.db_table  # noqa: SLF001
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * count)} {tail}"  # noqa: S608 - names of ours


def _values(row: Model) -> list[Any]:
    database = connections[DEFAULT_DB_ALIAS]
    return [_value(*each, row, database) for each in _storing(type(row))]


def _value(name: str, as_it_is: type | None, field: Any, row: Model, database: Any) -> Any:
    """As `get_db_prep_save` of the field has it, which gives most values back as they are, after a dozen calls."""
    value = getattr(row, name)
    return value if value is None or type(value) is as_it_is else field.get_db_prep_save(value, database)


@lru_cache(KEPT)
def _storing(model: type[Model]) -> list[tuple[str, type | None, "Field[Any, Any]"]]:
    """Of each field the attribute that holds its value, and the type of those that need no conversion."""
    return [(field.attname, _as_it_is(field), field) for field in _stored(model)]


def _as_it_is(field: "Field[Any, Any]") -> type | None:
    aimed: Any = field
    while isinstance(aimed, ForeignKey):
        aimed = aimed.target_field
    if isinstance(aimed, CharField | TextField):
        return str
    return int if isinstance(aimed, IntegerField | AutoField) else None


@lru_cache(KEPT)
def _stored(model: type[Model]) -> list["Field[Any, Any]"]:
    """All but an id that the database gives."""
    return [field for field in _fields(model) if field is not model._meta.auto_field]  # noqa: SLF001


@lru_cache(KEPT)
def columns(model: type[Model], alias: str) -> str:
    """All columns of the model, as `read` takes them, of what the statement calls `alias`."""
    return ", ".join(f"{alias}.{field.column}" for field in _fields(model))


def read(model: type[M], values: Sequence[Any]) -> M:
    """The row whose `columns` have these values, as its database gave them."""
    names, converters = _reading(model)
    given = list(values)
    for at, convert in converters:
        given[at] = convert(given[at])
    return model.from_db(connection.alias, names, given)


def _fields(model: type[Model]) -> Sequence["Field[Any, Any]"]:
    return model._meta.concrete_fields  # noqa: SLF001


def read_all(values: Sequence[Any], *models: type[Model]) -> list[Any]:
    """Rows of several models whose `columns` stand one behind the other."""
    found, start = [], 0
    for model in models:
        end = start + len(_fields(model))
        found.append(read(model, values[start:end]))
        start = end
    return found


@lru_cache(KEPT)
def _reading(model: type[Model]) -> tuple[list[str], list[tuple[int, Callable[[Any], Any]]]]:
    fields = _fields(model)
    return [field.attname for field in fields], [
        (at, convert) for at, field in enumerate(fields) if (convert := _converter(field)) is not None
    ]


def _converter(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """As the ORM converts what it reads of that field; None where it does not."""
    column: Any = field.cached_col
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    if not steps:
        return None

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert


def bound(uuid: UUID) -> UUID | str:
    """An id as the database has it: SQLite keeps its hex digits."""
    return uuid if connection.features.has_native_uuid_field else uuid.hex


def uuid_of(found: UUID | str) -> UUID:
    """An id as the database gave it."""
    return found if isinstance(found, UUID) else UUID(hex=found)


def lock_of(*aliases: str) -> str:
    """What ends a SELECT that locks its rows of those tables until the transaction ends; nothing on SQLite, whose transactions are
    locks already.
    """
    return f"FOR UPDATE OF {', '.join(aliases)}" if connection.features.has_select_for_update else ""
