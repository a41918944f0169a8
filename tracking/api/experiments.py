"""Experiments by name."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import ReasonIn, page_of
from core.access import Permission
from core.api import parse
from tracking import selectors, services
from tracking.api.render import experiment_out
from tracking.api.schemas import ExperimentOut
from tracking.limits import DESCRIPTION_LENGTH, NAME_LENGTH

DELETED = OpenApiParameter("deleted", bool, description="true: the deleted ones instead.")


class _Words(serializers.Serializer):
    description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField(max_length=1000, allow_blank=True), required=False)


class Experiments(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}

    class Input(_Words):
        name = serializers.CharField(max_length=NAME_LENGTH)

    @extend_schema(parameters=[*PAGE_PARAMETERS, DELETED], responses=page_of(ExperimentOut))
    def get(self, request: Request) -> Response:
        """Newest first."""
        rows = selectors.list_experiments(
            project=self.project, deleted=request.query_params.get("deleted", "").lower() == "true"
        )
        return Response(page(rows, request, column="id", render=experiment_out, newest_first=True))

    @extend_schema(request=Input, responses={201: ExperimentOut})
    def post(self, request: Request) -> Response:
        """A new experiment."""
        data = parse(self.Input, request)
        experiment = services.create_experiment(project=self.project, actor=self.principal, **data)
        return Response(experiment_out(experiment), status=201)


class OneExperiment(ProjectView):
    permissions = {
        "GET": Permission.PROJECT_READ,
        "PATCH": Permission.RUN_WRITE,
        "DELETE": Permission.RUN_DELETE,
    }

    class Input(_Words):
        name = serializers.CharField(max_length=NAME_LENGTH, required=False)

    @extend_schema(responses=ExperimentOut)
    def get(self, request: Request, name: str) -> Response:
        """The experiment by its name."""
        return Response(experiment_out(selectors.get_experiment(project=self.project, name=name)))

    @extend_schema(request=Input, responses=ExperimentOut)
    def patch(self, request: Request, name: str) -> Response:
        """Rename, describe or tag it. What is left out stays."""
        data = parse(self.Input, request)
        experiment = selectors.get_experiment(project=self.project, name=name)
        changed = services.update_experiment(experiment=experiment, actor=self.principal, **data)
        return Response(experiment_out(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Hide it and its runs; the name stays taken."""
        experiment = selectors.get_experiment(project=self.project, name=name)
        services.delete_experiment(experiment=experiment, actor=self.principal)
        return Response(status=204)


class PurgeExperiment(ProjectView):
    permissions = {"POST": Permission.PURGE}

    @extend_schema(request=ReasonIn, responses={204: None})
    def post(self, request: Request, name: str) -> Response:
        """Gone for good, out of the bin, with all its runs; the name is free again."""
        experiment = selectors.get_experiment(project=self.project, name=name)
        services.purge_experiment(experiment=experiment, actor=self.principal, **parse(ReasonIn, request))
        return Response(status=204)


class RestoreExperiment(ProjectView):
    permissions = {"POST": Permission.RUN_DELETE}

    @extend_schema(request=None, responses=ExperimentOut)
    def post(self, request: Request, name: str) -> Response:
        """Bring back a deleted experiment."""
        experiment = selectors.get_experiment(project=self.project, name=name)
        return Response(experiment_out(services.restore_experiment(experiment=experiment, actor=self.principal)))
