"""Models of a project."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from registry import selectors, services
from registry.api.base import DELETED, RegistryView, wants_deleted
from registry.api.render import model_out
from registry.api.schemas import ModelOut
from registry.names import MODEL_LENGTH

DESCRIPTION_LENGTH = 20_000  # characters


class Models(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=MODEL_LENGTH, trim_whitespace=False)
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)

    @extend_schema(parameters=[*PAGE_PARAMETERS, DELETED], responses=page_of(ModelOut))
    def get(self, request: Request) -> Response:
        """Models of the project, by name."""
        models = selectors.list_models(project=self.project, deleted=wants_deleted(request)).select_related("project")
        return Response(page(models, request, column="name", render=model_out))

    @extend_schema(request=Input, responses={201: ModelOut})
    def post(self, request: Request) -> Response:
        """A new model, without versions yet."""
        data = parse(self.Input, request)
        model = services.create_model(project=self.project, actor=self.principal, **data)
        return Response(model_out(model), status=201)


class OneModel(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "PATCH": Permission.MODEL_WRITE}

    class Input(serializers.Serializer):
        description = serializers.CharField(max_length=DESCRIPTION_LENGTH, allow_blank=True)

    @extend_schema(responses=ModelOut)
    def get(self, request: Request, name: str) -> Response:
        """The model by its name."""
        return Response(model_out(self.find_model(name)))

    @extend_schema(request=Input, responses=ModelOut)
    def patch(self, request: Request, name: str) -> Response:
        """Describe it anew."""
        data = parse(self.Input, request)
        model = services.update_model(model=self.find_model(name), actor=self.principal, **data)
        return Response(model_out(model))
