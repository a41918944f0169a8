"""Sweeps of stored objects: tried dry, started, followed."""

from typing import Any
from uuid import UUID

from django.db.models import Sum
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core import clock
from core.access import Permission
from core.api import parse
from core.errors import NotFound
from tracking.models import Blob, Sweep
from tracking.references import unreferenced
from tracking.services import sweeps

LISTED = 1_000  # objects named in a dry run; the rest is counted


class SweepOut(serializers.Serializer):
    id = serializers.UUIDField()
    phase = serializers.ChoiceField(Sweep.Phase.values)
    objects_seen = serializers.IntegerField()
    adopted = serializers.IntegerField(help_text="Objects that had no row; they go by a later sweep.")
    missing = serializers.IntegerField(help_text="Rows whose object is gone.")
    marked = serializers.IntegerField(help_text="Newly found to be referred to by nothing.")
    deleted = serializers.IntegerField()
    deleted_bytes = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    started_by = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)


class DueObjectOut(serializers.Serializer):
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    marked_at = serializers.DateTimeField()


class SweepPlanOut(serializers.Serializer):
    due = serializers.IntegerField(help_text="Objects that a sweep started now would delete.")
    due_bytes = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Objects that nothing refers to, still in their grace.")
    waiting_bytes = serializers.IntegerField()
    grace_hours = serializers.IntegerField()
    objects = DueObjectOut(many=True, help_text=f"The first {LISTED} that are due.")


def sweep_out(sweep: Sweep) -> dict[str, Any]:
    fields = ("phase", "objects_seen", "adopted", "missing", "marked", "deleted", "deleted_bytes")
    times = ("started_at", "started_by", "finished_at")
    return {"id": sweep.uuid, **{name: getattr(sweep, name) for name in (*fields, *times)}}


class Sweeps(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.PURGE}

    class Input(serializers.Serializer):
        dry_run = serializers.BooleanField(default=False)
        reason = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(SweepOut))
    def get(self, request: Request) -> Response:
        """Newest first."""
        rows = Sweep.objects.filter(project=self.project).order_by("-id")
        return Response(page(rows, request, column="id", render=sweep_out, newest_first=True))

    @extend_schema(request=Input, responses={200: SweepPlanOut, 202: SweepOut})
    def post(self, request: Request) -> Response:
        """Start a sweep, or follow the one under way (202). A dry run (200) says what it would delete, from the rows; objects
        without a row are found by the sweep itself, and not deleted by the one that finds them.
        """
        data = parse(self.Input, request)
        if data["dry_run"]:
            return Response(self._plan())
        sweep, _ = sweeps.start_sweep(project=self.project, actor=self.principal, reason=data["reason"])
        return Response(sweep_out(sweep), status=202)

    def _plan(self) -> dict[str, Any]:
        due = sweeps.due(self.project, clock.now())
        loose = unreferenced(Blob.objects.filter(project=self.project)).aggregate(bytes=Sum("size"))["bytes"] or 0
        due_bytes = due.aggregate(bytes=Sum("size"))["bytes"] or 0
        count = due.count()
        objects = due.order_by("sha256").values("sha256", "size", "marked_at")[:LISTED]
        return {
            "due": count,
            "due_bytes": due_bytes,
            "waiting": unreferenced(Blob.objects.filter(project=self.project)).count() - count,
            "waiting_bytes": loose - due_bytes,
            "grace_hours": int(sweeps.grace().total_seconds() // 3_600),
            "objects": list(objects),
        }


class OneSweep(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=SweepOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """How far it has come."""
        sweep = Sweep.objects.filter(project=self.project, uuid=uuid).first()
        if sweep is None:
            raise NotFound(f"There is no sweep {uuid} in this project.")
        return Response(sweep_out(sweep))
