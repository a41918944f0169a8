"""Versions and models into the bin, out of it, and gone. 409 names what holds one."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schemas import ReasonIn
from core.access import Permission
from core.api import parse
from registry import services
from registry.api.base import RegistryView
from registry.api.render import model_out, version_out
from registry.api.schemas import ModelOut, VersionOut
from registry.models import ModelVersion
from retention import kinds


class VersionLifecycleView(RegistryView):
    def find_own_version(self, name: str, ref: str) -> ModelVersion:
        """For an act that whoever registered it may do, and others only with the permission to delete."""
        version = self.find_version(name, ref)
        kind = kinds.get_kind("model_version")
        self.check_project(kind.to_change(creator=version.created_by_id, by=self.principal))
        return version

    def rendered(self, name: str, number: int) -> Response:
        return Response(version_out(self.find_version(name, number)))


class DeleteVersion(VersionLifecycleView):
    permissions = {"POST": Permission.MODEL_WRITE}

    @extend_schema(request=ReasonIn, responses=VersionOut)
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Into the bin: out of the lists, and nowhere to go. One that is live, or waits for a promotion, cannot be."""
        version = self.find_own_version(name, ref)
        services.delete_version(version=version, actor=self.principal, **parse(ReasonIn, request))
        return self.rendered(name, version.number)


class RestoreVersion(VersionLifecycleView):
    permissions = {"POST": Permission.MODEL_WRITE}

    @extend_schema(request=ReasonIn, responses=VersionOut)
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Back from the bin, as it was."""
        version = self.find_own_version(name, ref)
        services.restore_version(version=version, actor=self.principal, **parse(ReasonIn, request))
        return self.rendered(name, version.number)


class PurgeVersion(VersionLifecycleView):
    permissions = {"POST": Permission.PURGE}

    @extend_schema(request=ReasonIn, responses=VersionOut)
    def post(self, request: Request, name: str, ref: str) -> Response:
        """Gone for good, out of the bin. Its number, digest and history stay; its files follow by a sweep."""
        version = self.find_version(name, ref)
        services.purge_version(version=version, actor=self.principal, **parse(ReasonIn, request))
        return self.rendered(name, version.number)


class DeleteModel(RegistryView):
    permissions = {"POST": Permission.RUN_DELETE}

    @extend_schema(request=ReasonIn, responses=ModelOut)
    def post(self, request: Request, name: str) -> Response:
        """Into the bin, with all its versions."""
        model = self.find_model(name)
        return Response(model_out(services.delete_model(model=model, actor=self.principal, **parse(ReasonIn, request))))


class RestoreModel(RegistryView):
    permissions = {"POST": Permission.RUN_DELETE}

    @extend_schema(request=ReasonIn, responses=ModelOut)
    def post(self, request: Request, name: str) -> Response:
        """Back from the bin, with those of its versions that were not deleted by themselves."""
        model = self.find_model(name)
        return Response(
            model_out(services.restore_model(model=model, actor=self.principal, **parse(ReasonIn, request)))
        )


class PurgeModel(RegistryView):
    permissions = {"POST": Permission.PURGE}

    @extend_schema(request=ReasonIn, responses=ModelOut)
    def post(self, request: Request, name: str) -> Response:
        """Gone for good, out of the bin, with all its versions. A later model of this name goes on after its last number."""
        model = self.find_model(name)
        return Response(model_out(services.purge_model(model=model, actor=self.principal, **parse(ReasonIn, request))))
