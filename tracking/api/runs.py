"""Runs: started, read, changed, ended."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from core.access import Permission
from core.api import parse
from core.errors import Invalid
from core.ids import parse_run_id
from tracking import selectors, services
from tracking.api.base import RunView
from tracking.api.batch_bodies import decode_uses
from tracking.api.fields import ScalarField
from tracking.api.render import dataset_use_out, runs_out
from tracking.api.schemas import RunDatasetOut, RunOut
from tracking.limits import BATCH_ITEMS, DESCRIPTION_LENGTH, DIFF_LENGTH, LOCK_LENGTH, NAME_LENGTH
from tracking.models import Run
from tracking.services.runs import Origin


class CodeIn(serializers.Serializer):
    repository = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    commit = serializers.RegexField(r"^[0-9a-f]{7,64}$", help_text="Lower-case hex.")
    branch = serializers.CharField(max_length=255, required=False, allow_blank=True)
    folder = serializers.CharField(
        max_length=1000,
        required=False,
        allow_null=True,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Where it was started, from the repository's root on.",
    )
    untracked = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True, help_text="Files that git was never told of."
    )
    dirty = serializers.BooleanField(required=False, allow_null=True)
    diff = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, trim_whitespace=False, max_length=2 * DIFF_LENGTH
    )


class EnvironmentIn(serializers.Serializer):
    digest = serializers.RegexField(r"^sha256:[0-9a-f]{64}$")
    lock = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False, max_length=LOCK_LENGTH)
    python = serializers.CharField(max_length=64, required=False, allow_blank=True)
    platform = serializers.CharField(max_length=200, required=False, allow_blank=True)


class Runs(ProjectView):
    permissions = {"POST": Permission.RUN_WRITE}

    class Input(serializers.Serializer):
        id = serializers.CharField(required=False, help_text="32 hex digits of the client's choice.")
        experiment = serializers.CharField(max_length=NAME_LENGTH, help_text="Created if it is missing.")
        name = serializers.CharField(max_length=NAME_LENGTH, required=False, allow_blank=True)
        parent = serializers.CharField(required=False, allow_null=True)  # type: ignore[assignment]  # the REST framework has a property of this name
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
        caused_by = serializers.UUIDField(
            required=False, allow_null=True, help_text="The cause that started it, as a trigger's message names it."
        )
        started_at = serializers.DateTimeField(required=False, allow_null=True, help_text="The client's clock.")
        host = serializers.CharField(max_length=255, required=False, allow_blank=True)
        user = serializers.CharField(max_length=255, required=False, allow_blank=True)
        entry_point = serializers.CharField(max_length=1000, required=False, allow_blank=True)
        code = CodeIn(required=False, allow_null=True)
        environment = EnvironmentIn(required=False, allow_null=True)
        params = serializers.DictField(child=ScalarField(), required=False)
        tags = serializers.DictField(
            child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
        )

    @extend_schema(request=Input, responses={201: RunOut, 200: RunOut})
    def post(self, request: Request) -> Response:
        """Start a run. The same id again, by the same creator in the same experiment, answers 200 with the run there is."""
        data = parse(self.Input, request)
        origin = Origin(
            started_at=data.pop("started_at", None),
            host=data.pop("host", ""),
            user=data.pop("user", ""),
            entry_point=data.pop("entry_point", ""),
            code=data.pop("code", None) or {},
            environment=data.pop("environment", None) or {},
        )
        run, created = services.create_run(
            project=self.project,
            actor=self.principal,
            id=_optional_id(data.pop("id", None)),
            parent=_optional_id(data.pop("parent", None)),
            origin=origin,
            **data,
        )
        [told] = runs_out([run.pk], project=self.project)
        return Response(told, status=201 if created else 200)


class OneRun(RunView):
    permissions = {
        "GET": Permission.PROJECT_READ,
        "PATCH": Permission.RUN_WRITE,
        "DELETE": Permission.RUN_WRITE,
    }

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=NAME_LENGTH, required=False)
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)

    @extend_schema(responses=RunOut)
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """The run: where it came from, what it logged, how it ended, and its latest seal."""
        return Response(self.rendered(self.get_run(id)))

    @extend_schema(request=Input, responses=RunOut)
    def patch(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Rename or describe. What is left out stays."""
        data = parse(self.Input, request)
        return Response(self.rendered(services.update_run(run=self.get_run(id), actor=self.principal, **data)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """As `POST …/delete`, without a reason."""
        services.delete_run(run=self.get_own_run(id), actor=self.principal)
        return Response(status=204)


class RunReasonIn(serializers.Serializer):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class ArchiveRun(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    @extend_schema(request=RunReasonIn, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Out of the lists, still readable."""
        data = parse(RunReasonIn, request)
        return Response(self.rendered(services.archive_run(run=self.get_own_run(id), actor=self.principal, **data)))


class DeleteRun(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    @extend_schema(request=RunReasonIn, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Into the bin: hidden and closed to writes, until it is restored or the bin lets go of it. 409 names what holds it."""
        data = parse(RunReasonIn, request)
        return Response(self.rendered(services.delete_run(run=self.get_own_run(id), actor=self.principal, **data)))


class PurgeRun(RunView):
    permissions = {"POST": Permission.PURGE}

    @extend_schema(request=RunReasonIn, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Gone for good, out of the bin. Its id stays taken; what was logged to it goes within minutes."""
        data = parse(RunReasonIn, request)
        return Response(self.rendered(services.purge_run(run=self.get_run(id), actor=self.principal, **data)))


class RestoreRun(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    @extend_schema(request=RunReasonIn, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Back from the archive, or from deletion."""
        data = parse(RunReasonIn, request)
        return Response(self.rendered(services.restore_run(run=self.get_own_run(id), actor=self.principal, **data)))


class ResumeRun(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    @extend_schema(request=None, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Back to running; its next end gives it its next seal."""
        return Response(self.rendered(services.resume_run(run=self.get_run(id), actor=self.principal)))


class FinishRun(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    class Input(serializers.Serializer):
        status = serializers.ChoiceField(["finished", "failed", "killed"], default="finished")
        ended_at = serializers.DateTimeField(required=False, allow_null=True, help_text="The client's clock.")

    @extend_schema(request=Input, responses=RunOut)
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """End and seal the run. The same end again changes nothing."""
        data = parse(self.Input, request)
        return Response(self.rendered(services.finish_run(run=self.get_run(id), actor=self.principal, **data)))


class _RunDatasets(RunView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}
    direction: services.Direction

    def answer(self, run: Run) -> Response:
        found = (selectors.inputs_of if self.direction is services.Direction.INPUT else selectors.outputs_of)([run.pk])
        return Response([dataset_use_out(use) for use in found])

    def record(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        uses = decode_uses(request.data)
        if not 0 < len(uses) <= BATCH_ITEMS:
            raise Invalid(f"Give 1 to {BATCH_ITEMS} dataset versions.", field="body")
        run = self.get_run(id)
        services.record_datasets(run=run, uses=uses, direction=self.direction)
        return self.answer(run)


class RunInputs(_RunDatasets):
    direction = services.Direction.INPUT

    @extend_schema(responses=RunDatasetOut(many=True))
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Datasets that the run read."""
        return self.answer(self.get_run(id))

    @extend_schema(request=RunDatasetOut(many=True), responses=RunDatasetOut(many=True))
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Record which dataset versions the run read; all of them or none."""
        return self.record(request, id)


class RunOutputs(_RunDatasets):
    direction = services.Direction.OUTPUT

    @extend_schema(responses=RunDatasetOut(many=True))
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Datasets that the run wrote."""
        return self.answer(self.get_run(id))

    @extend_schema(request=RunDatasetOut(many=True), responses=RunDatasetOut(many=True))
    def post(self, request: Request, id: str) -> Response:  # noqa: A002 - the path names it so
        """Record which dataset versions the run made; all of them or none. One that the run came of is refused."""
        return self.record(request, id)


class RunTag(RunView):
    permissions = {"PUT": Permission.RUN_WRITE, "DELETE": Permission.RUN_WRITE}

    class Input(serializers.Serializer):
        value = serializers.CharField(allow_blank=True, trim_whitespace=False)

    @extend_schema(request=Input, responses={204: None})
    def put(self, request: Request, id: str, key: str) -> Response:  # noqa: A002 - the path names it so
        """Set one tag of the run."""
        services.set_tag(run=self.get_run(id), key=key, value=parse(self.Input, request)["value"])
        return Response(status=204)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str, key: str) -> Response:  # noqa: A002 - the path names it so
        """Take one tag off the run."""
        services.delete_tag(run=self.get_run(id), key=key)
        return Response(status=204)


class CorrectParam(RunView):
    permissions = {"POST": Permission.RUN_WRITE}

    class Input(serializers.Serializer):
        value = ScalarField()
        reason = serializers.CharField(max_length=500)

    @extend_schema(request=Input, responses=RunOut)
    def post(self, request: Request, id: str, key: str) -> Response:  # noqa: A002 - the path names it so
        """Replace a wrong value on the record."""
        data = parse(self.Input, request)
        run = self.get_own_run(id)
        services.correct_param(run=run, key=key, actor=self.principal, **data)
        return Response(self.rendered(self.get_run(id)))


def _optional_id(text: Any) -> UUID | None:
    return parse_run_id(text) if text else None
