"""The hot routes: a batch of one writer of one run, and several of several runs in one request."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.hot import HotView
from core import problems
from core.access import Permission
from core.ids import parse_run_id
from tracking import figures, selectors, services
from tracking.api.batch_bodies import ListBatch, ListOfRun, PackedBatch, PackedOfRun, columns_of, decode, decode_many
from tracking.api.schemas import BATCH_SCHEMA, BATCHES_SCHEMA, BatchesOut, BatchOut
from tracking.metrics.columns import Columns
from tracking.services import PointsWrite

_OfRun = tuple[PackedOfRun | ListOfRun, Columns]


class _Ingest(HotView):
    permissions = {"POST": Permission.RUN_WRITE}

    def write(self, run: UUID, batch: PackedBatch | ListBatch, metrics: Columns) -> services.BatchOutcome:
        """Points alone share a transaction with those of other requests; the rest has rules of its own to keep."""
        if _is_points(batch):
            return services.write_points(
                project=self.project,
                run=run,
                writer=UUID(hex=batch.writer),
                sequence=batch.sequence,
                metrics=metrics,
            )
        return services.write_batch(
            run=selectors.get_run(project=self.project, id=run),
            writer=UUID(hex=batch.writer),
            sequence=batch.sequence,
            metrics=metrics,
            params=batch.params,
            tags=batch.tags,
            inputs=batch.inputs,
            outputs=batch.outputs,
        )

    def refused(self, exc: Exception) -> None:
        count_refusal(exc)


class Batches(_Ingest):
    @extend_schema(
        request={"application/x-msgpack": OpenApiTypes.BINARY, "application/json": BATCH_SCHEMA},
        responses=BatchOut,
    )
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Store one batch exactly once. `{"writer": 32 hex, "sequence": 1…, "metrics": [{"key", "steps", "times",
        "values"}], "params": {}, "tags": {}, "inputs": [], "outputs": []}`; in MessagePack the three columns are packed numbers.
        429 with Retry-After says that more waits to be stored than the server will keep waiting.
        """
        return Response(self.answer(request._request, id=id))  # noqa: SLF001 - parsed here, once, typed

    def answer(self, request: HttpRequest, **named: str) -> dict[str, Any]:
        body = request.body
        batch = decode(request.META.get("CONTENT_TYPE", ""), body)
        metrics = columns_of(batch.metrics)
        outcome = self.write(parse_run_id(named["id"]), batch, metrics)
        _count(outcome, points=len(metrics.points))
        figures.bytes_in.inc(0 if outcome.repeated else len(body))
        return _told(outcome)


class ManyBatches(_Ingest):
    @extend_schema(
        request={"application/x-msgpack": OpenApiTypes.BINARY, "application/json": BATCHES_SCHEMA},
        responses=BatchesOut,
    )
    def post(self, request: Request) -> Response:
        """Store batches of several runs, each exactly once and each by itself: `{"batches": [{"run": 32 hex, …}]}`, where the
        rest is as of a single batch.

        The answer is 200 where the body was understood, and tells what came of each batch, in their order: what a request of
        its own would have answered, as `outcome` or as `problem`. Batches of one writer have to stand in their order.
        """
        return Response(self.answer(request._request))  # noqa: SLF001 - as above

    def answer(self, request: HttpRequest, **named: str) -> dict[str, Any]:
        body = request.body
        batches: Sequence[PackedOfRun | ListOfRun] = decode_many(request.META.get("CONTENT_TYPE", ""), body)
        metrics = [columns_of(batch.metrics, within=f"batches.{at}.") for at, batch in enumerate(batches)]
        found: list[_OfRun] = list(zip(batches, metrics, strict=True))
        outcomes: list[services.BatchOutcome | Exception] = []
        for alike, some in groupby(found, lambda each: _is_points(each[0])):
            group = list(some)
            outcomes += self._together(group) if alike else [self._alone(*each) for each in group]
        figures.bytes_in.inc(len(body))
        return {"batches": [self._told_of(*each, outcome) for each, outcome in zip(found, outcomes, strict=True)]}

    def _together(self, found: Sequence[_OfRun]) -> Sequence[Any]:
        return services.write_all_points(
            [
                PointsWrite(self.project, UUID(hex=batch.run), UUID(hex=batch.writer), batch.sequence, metrics)
                for batch, metrics in found
            ]
        )

    def _alone(self, batch: PackedOfRun | ListOfRun, metrics: Columns) -> services.BatchOutcome | Exception:
        try:
            return self.write(UUID(hex=batch.run), batch, metrics)
        except Exception as exc:  # noqa: BLE001 - told below, where a bug is raised
            return exc

    def _told_of(
        self, batch: PackedOfRun | ListOfRun, metrics: Columns, outcome: services.BatchOutcome | Exception
    ) -> dict[str, Any]:
        about = {"run": batch.run, "writer": batch.writer, "sequence": batch.sequence}
        if not isinstance(outcome, Exception):
            _count(outcome, points=len(metrics.points))
            return {**about, "outcome": _told(outcome), "problem": None}
        error = problems.translate(outcome)
        if error is None:
            raise outcome
        self.refused(outcome)
        return {**about, "outcome": None, "problem": problems.problem_body(error)}


def _is_points(batch: PackedBatch | ListBatch) -> bool:
    return not (batch.params or batch.tags or batch.inputs or batch.outputs)


def _told(outcome: services.BatchOutcome) -> dict[str, Any]:
    return {
        "last_sequence": outcome.last_sequence,
        "repeated": outcome.repeated,
        "rejected": [
            {"kind": r.kind, "key": r.key, "detail": r.detail, "stored": r.stored, "given": r.given}
            for r in outcome.rejected
        ],
    }


def count_refusal(exc: Exception) -> None:
    error = problems.translate(exc)
    figures.batches.labels("refused").inc()
    figures.refusals.labels(error.code if error else "bug").inc()


def _count(outcome: services.BatchOutcome, *, points: int) -> None:
    if outcome.repeated:
        figures.repeated.inc()
        return
    figures.stored.inc()
    figures.points.inc(points)
    for each in outcome.rejected:
        figures.rejected.labels(each.kind).inc()
