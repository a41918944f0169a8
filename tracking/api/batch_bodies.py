"""Batches as they come, in MessagePack with packed columns or in JSON, decoded straight into typed values."""

from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
import numpy as np

from core.errors import Invalid, Malformed, UnsupportedType
from tracking.limits import BATCH_ITEMS, BATCH_KEYS, BATCHES_AT_ONCE
from tracking.metrics.columns import Columns
from tracking.metrics.points import STEP, VALUE, Points
from tracking.uses import DatasetUse

MSGPACK = ("application/x-msgpack", "application/msgpack", "application/vnd.msgpack")
Scalar = str | int | float | bool | None
Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
SequenceNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_SPELLED = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


class PackedColumns(msgspec.Struct, forbid_unknown_fields=True):
    """One series: little-endian int64 steps and µs since 1970, little-endian float64 values, all the same count."""

    key: str
    steps: bytes
    times: bytes
    values: bytes


class ListColumns(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    steps: list[Int64]
    times: list[Int64]
    values: list[float | str]


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    writer: Hex32
    sequence: SequenceNumber
    params: Annotated[dict[str, Scalar], msgspec.Meta(max_length=BATCH_ITEMS)] = {}
    tags: Annotated[dict[str, str | None], msgspec.Meta(max_length=BATCH_ITEMS)] = {}
    inputs: Annotated[list[DatasetUse], msgspec.Meta(max_length=BATCH_ITEMS)] = []
    outputs: Annotated[list[DatasetUse], msgspec.Meta(max_length=BATCH_ITEMS)] = []


class PackedBatch(_Batch, forbid_unknown_fields=True):
    metrics: Annotated[list[PackedColumns], msgspec.Meta(max_length=BATCH_KEYS)] = []


class ListBatch(_Batch, forbid_unknown_fields=True):
    metrics: Annotated[list[ListColumns], msgspec.Meta(max_length=BATCH_KEYS)] = []


class PackedOfRun(PackedBatch, forbid_unknown_fields=True, kw_only=True):
    run: Hex32


class ListOfRun(ListBatch, forbid_unknown_fields=True, kw_only=True):
    run: Hex32


class PackedMany(msgspec.Struct, forbid_unknown_fields=True):
    batches: Annotated[list[PackedOfRun], msgspec.Meta(max_length=BATCHES_AT_ONCE)]


class ListMany(msgspec.Struct, forbid_unknown_fields=True):
    batches: Annotated[list[ListOfRun], msgspec.Meta(max_length=BATCHES_AT_ONCE)]


_packed, _listed = msgspec.msgpack.Decoder(PackedBatch), msgspec.json.Decoder(ListBatch)
_packed_many, _listed_many = msgspec.msgpack.Decoder(PackedMany), msgspec.json.Decoder(ListMany)


def decode(content_type: str, body: bytes) -> PackedBatch | ListBatch:
    """The batch in `body`.

    Raises:
        UnsupportedType: neither MessagePack nor JSON.
        Malformed: the bytes are not what the content type says; JSON with NaN in it is one such.
        Invalid: understood, and wrong; says where and what was expected.
    """
    return cast("PackedBatch | ListBatch", _decoded(content_type, body, _packed, _listed))


def decode_many(content_type: str, body: bytes) -> Sequence[PackedOfRun] | Sequence[ListOfRun]:
    """Batches of several runs. Raises as `decode`."""
    return cast("PackedMany | ListMany", _decoded(content_type, body, _packed_many, _listed_many)).batches


def _decoded(content_type: str, body: bytes, packed: Any, listed: Any) -> Any:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (*MSGPACK, "application/json"):
        raise UnsupportedType(f"A batch is {MSGPACK[0]} or application/json, not {kind or 'untyped'}.")
    try:
        return packed.decode(body) if kind in MSGPACK else listed.decode(body)
    except msgspec.ValidationError as exc:
        raise _invalid(str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        advice = ""
        if kind not in MSGPACK and (b"NaN" in body or b"Infinity" in body):
            advice = ' JSON has no NaN or Infinity; send the strings "NaN", "Infinity" or "-Infinity".'
        raise Malformed(f"The body cannot be decoded: {exc}.{advice}") from exc


def _invalid(message: str) -> Invalid:
    """msgspec says `Expected `int`, got `str` - at `$.metrics[0].steps``: the second half is the field."""
    what, _, where = message.partition(" - at `$")
    return Invalid(message, errors=[{"field": where.rstrip("`").lstrip(".") or "body", "detail": what}])


def columns_of(series: Sequence[PackedColumns] | Sequence[ListColumns], *, within: str = "") -> Columns:
    """The points of one batch; `within` is where in the body it stands. Raises Invalid."""
    if not series:
        return Columns()
    if isinstance(series[0], PackedColumns):
        return _unpacked(cast("Sequence[PackedColumns]", series), within)
    return Columns.of(
        (columns.key, _points(columns, f"{within}metrics.{at}"))
        for at, columns in enumerate(cast("Sequence[ListColumns]", series))
    )


def _points(columns: ListColumns, field: str) -> Points:
    if not len(columns.steps) == len(columns.times) == len(columns.values):
        raise Invalid("steps, times and values have to be of one length.", field=field)
    values = [_SPELLED[value] if isinstance(value, str) and value in _SPELLED else value for value in columns.values]
    stray = next((value for value in values if isinstance(value, str)), None)
    if stray is not None:
        raise Invalid(f'{stray[:40]!r} is no number; of words only "NaN", "Infinity" and "-Infinity" are.', field=field)
    return Points(np.array(columns.steps, STEP), np.array(columns.times, STEP), np.array(values, VALUE))


def _unpacked(series: Sequence[PackedColumns], within: str) -> Columns:
    """Joined as bytes and read as numbers once, whatever the number of series."""
    for at, each in enumerate(series):
        if not len(each.steps) == len(each.times) == len(each.values) or len(each.steps) % 8:
            detail = "steps, times and values have to be packed 8-byte numbers of one length."
            raise Invalid(detail, field=f"{within}metrics.{at}")
    points = Points(
        np.frombuffer(b"".join([each.steps for each in series]), STEP),
        np.frombuffer(b"".join([each.times for each in series]), STEP),
        np.frombuffer(b"".join([each.values for each in series]), VALUE),
    )
    return Columns([each.key for each in series], [len(each.steps) // 8 for each in series], points)


def decode_uses(data: Any) -> list[DatasetUse]:
    """Dataset uses from parsed JSON. Raises Invalid."""
    try:
        return msgspec.convert(data, list[DatasetUse])
    except msgspec.ValidationError as exc:
        raise _invalid(str(exc)) from exc
