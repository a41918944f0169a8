"""Intake hooks: made, changed and ended here; what is sent to them comes in by `intake`."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from monitoring import selectors, services
from monitoring.models import IntakeHook
from monitoring.models.hooks import NAME_LENGTH
from registry.api.base import RegistryView
from registry.names import MODEL_LENGTH

AT_HELP = "Verdicts are of the version that this environment or alias points at; of the newest if empty."


class IntakeHookOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    model = serializers.CharField()
    at = serializers.CharField(allow_blank=True, help_text=AT_HELP)
    enabled = serializers.BooleanField()
    path = serializers.CharField(help_text="Where messages are sent, below the server's address.")
    last_received_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class NewIntakeHookOut(IntakeHookOut):
    secret = serializers.CharField(help_text="The secret itself. It is shown here once.")


def hook_out(hook: IntakeHook) -> dict[str, Any]:
    return {
        "id": hook.uuid,
        "name": hook.name,
        "model": hook.model.name,
        "at": hook.at,
        "enabled": hook.enabled,
        "path": f"/api/v1/intake/{hook.uuid}",
        "last_received_at": getattr(hook, "last_received_at", None),
        "created_at": hook.created_at,
        "created_by": hook.created_by,
    }


def _with_secret(hook: IntakeHook, secret: str, *, status: int) -> Response:
    return Response({**hook_out(hook), "secret": secret}, status=status, headers={"Cache-Control": "no-store"})


class IntakeHooks(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MONITOR_WRITE}
    rate_limit = {"POST": "make_secret"}

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=NAME_LENGTH)
        model = serializers.CharField(max_length=MODEL_LENGTH, trim_whitespace=False)
        at = serializers.CharField(max_length=64, required=False, allow_blank=True, help_text=AT_HELP)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(IntakeHookOut))
    def get(self, request: Request) -> Response:
        """Hooks of the project by name, without their secrets."""
        return Response(page(selectors.list_hooks(project=self.project), request, column="name", render=hook_out))

    @extend_schema(request=Input, responses={201: NewIntakeHookOut})
    def post(self, request: Request) -> Response:
        """An address for another tool's verdicts on a model's versions, and the secret that signs them."""
        data = parse(self.Input, request)
        model = self.find_model(data.pop("model"))
        hook, secret = services.create_hook(project=self.project, model=model, actor=self.principal, **data)
        return _with_secret(hook, secret, status=201)


class OneIntakeHook(RegistryView):
    permissions = {
        "GET": Permission.PROJECT_READ,
        "PATCH": Permission.MONITOR_WRITE,
        "DELETE": Permission.MONITOR_WRITE,
    }

    class Input(serializers.Serializer):
        at = serializers.CharField(max_length=64, required=False, allow_blank=True, help_text=AT_HELP)
        enabled = serializers.BooleanField(required=False)

    @extend_schema(responses=IntakeHookOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """The hook, without its secret."""
        return Response(hook_out(selectors.get_hook(project=self.project, uuid=uuid)))

    @extend_schema(request=Input, responses=IntakeHookOut)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Point it elsewhere, or switch it off and on. What is left out stays."""
        changes = parse(self.Input, request)
        hook = selectors.get_hook(project=self.project, uuid=uuid)
        services.update_hook(hook=hook, changes=changes, actor=self.principal)
        return Response(hook_out(selectors.get_hook(project=self.project, uuid=uuid)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> Response:
        """It takes nothing any more. What came through it stays."""
        hook = selectors.get_hook(project=self.project, uuid=uuid)
        services.delete_hook(hook=hook, actor=self.principal)
        return Response(status=204)


class RenewIntakeHook(RegistryView):
    permissions = {"POST": Permission.MONITOR_WRITE}
    rate_limit = {"POST": "make_secret"}

    @extend_schema(request=None, responses=NewIntakeHookOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """A new secret in place of the old one, which signs nothing any more."""
        hook = selectors.get_hook(project=self.project, uuid=uuid)
        return _with_secret(hook, services.renew_hook_secret(hook=hook, actor=self.principal), status=200)
