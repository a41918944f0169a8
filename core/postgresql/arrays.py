"""Arrays as PostgreSQL's binary protocol has them, for statements that carry a column of values: psycopg looks at each value of a list
by itself, in Python, and writes bytes as hex. The format is that of `array_recv` (src/backend/utils/adt/arrayfuncs.c).
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from core import prepared

_HEAD = struct.Struct(">iiIii")  # dimensions, whether any is NULL, type of the elements, how many, number of the first
_EMPTY = struct.Struct(">iiI")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)

Encode = Callable[[Any], bytes]


class _ArrayDumper(Dumper):
    format = Format.BINARY
    element_oid: ClassVar[int]

    def dump(self, obj: Sequence[Any]) -> bytes:
        if not obj:
            return _EMPTY.pack(0, 0, self.element_oid)
        has_null = None in obj
        head = _HEAD.pack(1, has_null, self.element_oid, len(obj), 1)
        return head + (self.elements(obj) if not has_null else b"".join(map(self._nullable, obj)))

    def elements(self, values: Sequence[Any]) -> bytes:
        raise NotImplementedError

    def _nullable(self, value: Any) -> bytes:
        return _NULL if value is None else self.elements([value])


def _of_numbers(kind: str) -> type[_ArrayDumper]:
    row = np.dtype([("length", ">i4"), ("value", kind)])

    class NumbersDumper(_ArrayDumper):
        def elements(self, values: Sequence[Any]) -> bytes:
            table = np.empty(len(values), row)
            table["length"], table["value"] = row["value"].itemsize, values
            return table.tobytes()

    return NumbersDumper


def _of_bytes(encode: Encode) -> type[_ArrayDumper]:
    class BytesDumper(_ArrayDumper):
        def elements(self, values: Sequence[Any]) -> bytes:
            parts: list[bytes] = []
            for value in map(encode, values):
                parts += (_LENGTH.pack(len(value)), value)
            return b"".join(parts)

    return BytesDumper


def register() -> None:
    """Have psycopg's connections, from now on, know how `core.prepared.Array` is bound."""
    kinds: dict[str, tuple[type[prepared.Array], type[_ArrayDumper]]] = {
        "int8": (prepared.Bigints, _of_numbers(">i8")),
        "int4": (prepared.Ints, _of_numbers(">i4")),
        "float8": (prepared.Floats, _of_numbers(">f8")),
        "text": (prepared.Texts, _of_bytes(str.encode)),
        "uuid": (prepared.Uuids, _of_bytes(lambda uuid: uuid.bytes)),
        "bytea": (prepared.Byteas, _of_bytes(bytes)),
    }
    for name, (array, base) in kinds.items():
        found = psycopg.adapters.types[name]
        named = {"oid": found.array_oid, "element_oid": found.oid}
        psycopg.adapters.register_dumper(array, type(f"{array.__name__}Dumper", (base,), named))
