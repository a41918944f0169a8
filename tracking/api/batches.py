"""The hot route: a batch of one writer, as MessagePack with packed columns or as JSON, decoded straight into typed values."""

from collections.abc import Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
import numpy as np
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Permission
from core.errors import Invalid, Malformed, UnsupportedType
from core.ids import parse_run_id
from core.problems import translate
from tracking import figures, services
from tracking.api.base import RunView
from tracking.api.schemas import BATCH_SCHEMA, BatchOut
from tracking.limits import BATCH_ITEMS, BATCH_KEYS
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


_packed = msgspec.msgpack.Decoder(PackedBatch)
_listed = msgspec.json.Decoder(ListBatch)


class Batches(RunView):
    permissions = {"POST": Permission.RUN_WRITE}
    rate_limit = {"POST": "ingest"}

    @extend_schema(
        request={"application/x-msgpack": OpenApiTypes.BINARY, "application/json": BATCH_SCHEMA},
        responses=BatchOut,
    )
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Store one batch exactly once. `{"writer": 32 hex, "sequence": 1…, "metrics": [{"key", "steps", "times",
        "values"}], "params": {}, "tags": {}, "inputs": [], "outputs": []}`; in MessagePack the three columns are packed numbers.
        """
        body = request._request.body  # noqa: SLF001 - parsed here, once, typed
        batch = decode(_content_type(request), body)
        metrics = _columns(batch.metrics)
        outcome = self._write(id, batch, metrics)
        _count(outcome, points=len(metrics.points), size_bytes=len(body))
        return Response(
            {
                "last_sequence": outcome.last_sequence,
                "repeated": outcome.repeated,
                "rejected": [
                    {"kind": r.kind, "key": r.key, "detail": r.detail, "stored": r.stored, "given": r.given}
                    for r in outcome.rejected
                ],
            }
        )

    def _write(
        self,
        id: str,  # noqa: A002 - as above
        batch: PackedBatch | ListBatch,
        metrics: Columns,
    ) -> services.BatchOutcome:
        """Points alone share a transaction with those of other requests; the rest has rules of its own to keep."""
        writer = UUID(hex=batch.writer)
        if batch.params or batch.tags or batch.inputs or batch.outputs:
            return services.write_batch(
                run=self.get_run(id),
                writer=writer,
                sequence=batch.sequence,
                metrics=metrics,
                params=batch.params,
                tags=batch.tags,
                inputs=batch.inputs,
                outputs=batch.outputs,
            )
        return services.write_points(
            project=self.project, run=parse_run_id(id), writer=writer, sequence=batch.sequence, metrics=metrics
        )

    def handle_exception(self, exc: Exception) -> Response:
        error = translate(exc)
        figures.batches.labels("refused").inc()
        figures.refusals.labels(error.code if error else "bug").inc()
        return super().handle_exception(exc)


def _count(outcome: services.BatchOutcome, *, points: int, size_bytes: int) -> None:
    if outcome.repeated:
        figures.batches.labels("repeated").inc()
        return
    figures.batches.labels("stored").inc()
    figures.points.inc(points)
    figures.bytes_in.inc(size_bytes)
    for each in outcome.rejected:
        figures.rejected.labels(each.kind).inc()


def decode(content_type: str, body: bytes) -> PackedBatch | ListBatch:
    """The batch in `body`.

    Raises:
        UnsupportedType: neither MessagePack nor JSON.
        Malformed: the bytes are not what the content type says; JSON with NaN in it is one such.
        Invalid: understood, and wrong; says where and what was expected.
    """
    if content_type not in (*MSGPACK, "application/json"):
        raise UnsupportedType(f"A batch is {MSGPACK[0]} or application/json, not {content_type or 'untyped'}.")
    try:
        return _packed.decode(body) if content_type in MSGPACK else _listed.decode(body)
    except msgspec.ValidationError as exc:
        raise _invalid(str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        advice = ""
        if content_type not in MSGPACK and (b"NaN" in body or b"Infinity" in body):
            advice = ' JSON has no NaN or Infinity; send the strings "NaN", "Infinity" or "-Infinity".'
        raise Malformed(f"The body cannot be decoded: {exc}.{advice}") from exc


def _invalid(message: str) -> Invalid:
    """msgspec says `Expected `int`, got `str` - at `$.metrics[0].steps``: the second half is the field."""
    what, _, where = message.partition(" - at `$")
    return Invalid(message, errors=[{"field": where.rstrip("`").lstrip(".") or "body", "detail": what}])


def _content_type(request: Request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


def _columns(series: Sequence[PackedColumns] | Sequence[ListColumns]) -> Columns:
    """Raises Invalid."""
    if not series:
        return Columns()
    if isinstance(series[0], PackedColumns):
        return _unpacked(cast("Sequence[PackedColumns]", series))
    return Columns.of(
        (columns.key, _points(columns, f"metrics.{at}"))
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


def _unpacked(series: Sequence[PackedColumns]) -> Columns:
    """Joined as bytes and read as numbers once, whatever the number of series."""
    for at, each in enumerate(series):
        if not len(each.steps) == len(each.times) == len(each.values) or len(each.steps) % 8:
            detail = "steps, times and values have to be packed 8-byte numbers of one length."
            raise Invalid(detail, field=f"metrics.{at}")
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
