"""Datasets and their versions."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.errors import Invalid
from tracking import selectors, services
from tracking.api.batch_bodies import decode_uses
from tracking.api.render import dataset_out, version_out
from tracking.api.schemas import DatasetOut, DatasetVersionOut


class Datasets(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(DatasetOut))
    def get(self, request: Request) -> Response:
        """Datasets of the project, by name."""
        return Response(page(selectors.list_datasets(project=self.project), request, column="name", render=dataset_out))


class OneDataset(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=DatasetOut)
    def get(self, request: Request, name: str) -> Response:
        """The dataset by its name."""
        return Response(dataset_out(selectors.get_dataset(project=self.project, name=name)))


class DatasetVersions(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(DatasetVersionOut))
    def get(self, request: Request, name: str) -> Response:
        """Newest first."""
        versions = selectors.list_dataset_versions(dataset=selectors.get_dataset(project=self.project, name=name))
        return Response(page(versions, request, column="id", render=version_out, newest_first=True))

    @extend_schema(request=DatasetVersionOut, responses={201: DatasetVersionOut, 200: DatasetVersionOut})
    def post(self, request: Request, name: str) -> Response:
        """Register a version without a run. One that is known already answers 200."""
        if not isinstance(request.data, dict):
            raise Invalid("The body has to be a JSON object.", field="body")
        given = request.data.get("name", name)
        if given != name:
            raise Invalid("The name in the body is not the one in the path.", field="name")
        use = decode_uses([{**request.data, "name": name}])[0]
        version, created = services.register_version(project=self.project, use=use, actor=self.principal)
        return Response(version_out(version), status=201 if created else 200)


class OneDatasetVersion(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=DatasetVersionOut)
    def get(self, request: Request, name: str, ref: str) -> Response:
        """By digest, or by id."""
        dataset = selectors.get_dataset(project=self.project, name=name)
        return Response(version_out(selectors.get_dataset_version(dataset=dataset, ref=ref)))
