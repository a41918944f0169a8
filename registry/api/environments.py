"""Environments of a project, and what holds them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse
from registry import selectors, services
from registry.api.base import ReasonField, RegistryView, latest_page, short_page
from registry.api.render import environment_out, slot_change_out, slot_out
from registry.api.schemas import EnvironmentOut, SlotChangeOut, SlotOut


class Environments(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.POLICY_WRITE}

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=64)
        position = serializers.IntegerField(min_value=0, max_value=10_000)
        protected = serializers.BooleanField(default=False)
        policy = serializers.CharField(max_length=64, required=False, allow_null=True, default=None)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(EnvironmentOut))
    def get(self, request: Request) -> Response:
        """In their order. Every project begins with dev, staging and production."""
        services.ensure_environments(project=self.project)
        environments = list(selectors.list_environments(project=self.project))
        return Response(short_page(environments, request, key=lambda each: each.name, render=environment_out))

    @extend_schema(request=Input, responses={201: EnvironmentOut})
    def post(self, request: Request) -> Response:
        """A further place to promote to."""
        data = parse(self.Input, request)
        policy = data.pop("policy")
        found = selectors.get_policy(project=self.project, name=policy) if policy is not None else None
        environment = services.create_environment(project=self.project, policy=found, actor=self.principal, **data)
        return Response(environment_out(environment), status=201)


class OneEnvironment(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=EnvironmentOut)
    def get(self, request: Request, name: str) -> Response:
        """The environment, with the policy that guards it."""
        return Response(environment_out(self.find_environment(name)))


class EnvironmentPolicy(RegistryView):
    permissions = {"PUT": Permission.POLICY_WRITE}

    class Input(serializers.Serializer):
        policy = serializers.CharField(max_length=64, allow_null=True, help_text="Null binds it by none.")
        reason = ReasonField()

    @extend_schema(request=Input, responses=EnvironmentOut)
    def put(self, request: Request, name: str) -> Response:
        """Which policy decides on promotions into it."""
        data = parse(self.Input, request)
        environment = self.find_environment(name)
        policy = selectors.get_policy(project=self.project, name=data["policy"]) if data["policy"] is not None else None
        changed = services.set_environment_policy(
            environment=environment, policy=policy, reason=data["reason"], actor=self.principal
        )
        return Response(environment_out(changed))


class Slots(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(SlotOut))
    def get(self, request: Request, name: str) -> Response:
        """What holds each environment now, in their order."""
        model = self.find_model(name)
        services.ensure_environments(project=self.project)
        slots = selectors.list_slots(model=model)
        return Response(short_page(slots, request, key=lambda slot: slot.environment.name, render=slot_out))


class SlotHistory(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(SlotChangeOut))
    def get(self, request: Request, name: str, environment: str) -> Response:
        """Every promotion that was carried out there, latest first."""
        model = self.find_model(name)
        history = selectors.slot_history(model=model, environment=self.find_environment(environment))
        return Response(latest_page(history, request, column="finished_at", render=slot_change_out))
