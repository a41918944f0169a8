"""Values as they stand in a backup, whichever database they came from.

| kind | in the file |
| --- | --- |
| int, float, text, bytes, bool | themselves |
| time | microseconds since 1970, UTC |
| uuid | 32 hex digits |
| json | JSON text with sorted keys: PostgreSQL does not keep their order, and nothing here relies on it |
"""

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Field, ForeignKey, Model

from core import clock

_KINDS = {
    "BigAutoField": "int",
    "BigIntegerField": "int",
    "IntegerField": "int",
    "SmallIntegerField": "int",
    "PositiveBigIntegerField": "int",
    "PositiveIntegerField": "int",
    "PositiveSmallIntegerField": "int",
    "FloatField": "float",
    "BooleanField": "bool",
    "CharField": "text",
    "TextField": "text",
    "BinaryField": "bytes",
    "DateTimeField": "time",
    "UUIDField": "uuid",
    "JSONField": "json",
}

Convert = Callable[[Any], Any]


def _json_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_TO_FILE: dict[str, Convert] = {
    "time": clock.to_micros,
    "uuid": lambda value: value.hex,
    "json": _json_text,
    "bytes": bytes,
}
_FROM_FILE: dict[str, Convert] = {"time": clock.from_micros, "uuid": UUID, "json": json.loads}


def stored_fields(model: type[Model]) -> list[Field]:
    """The model's columns, in the order of the file."""
    return list(model._meta.concrete_fields)


def kind_of(field: Field) -> str:
    """Raises TypeError for a column that backups do not know yet, which a test finds before a user does."""
    if isinstance(field, ForeignKey):
        return kind_of(field.target_field)
    internal = field.get_internal_type()
    if internal not in _KINDS:
        raise TypeError(f"Backups do not know how to keep a {internal} ({field.model._meta.db_table}.{field.column}).")
    return _KINDS[internal]


def writers(fields: Sequence[Field]) -> list[Convert | None]:
    """What turns each value into the file's, where it is not the same."""
    return [_TO_FILE.get(kind_of(field)) for field in fields]


def readers(kinds: Sequence[str]) -> list[Convert | None]:
    return [_FROM_FILE.get(kind) for kind in kinds]


def convert(values: Sequence[Any], converts: Sequence[Convert | None]) -> list[Any]:
    return [
        value if apply is None or value is None else apply(value) for value, apply in zip(values, converts, strict=True)
    ]
