"""Triggers: what starts retraining, and what came of it."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from monitoring import selectors, services
from monitoring.api.trigger_render import FiringOut, NewTriggerOut, TriggerOut, firing_out, trigger_out
from monitoring.models import Firing, Trigger
from monitoring.models.triggers import NAME_LENGTH
from monitoring.services.triggers import Wish
from registry.api.base import JsonObjectField, RegistryView

LONGEST_COOL_DOWN_S = 90 * 24 * 3_600
ADDRESS_LENGTH = 2_000
ADDRESS_HELP = "Of the webhook, of Airflow, or of a GitHub or GitLab of one's own."
FILTER_HELP = "By `on`: cron and timezone; dataset; or kinds, severity, model and environment."
SETTINGS_HELP = "By `action`: repository and event_type; project and ref; or dag and api (v1, v2)."
CREDENTIALS_HELP = "By `action`: secret; token; or username and password. Never shown again."


class _Changeable(serializers.Serializer):
    filter = JsonObjectField(required=False, help_text=FILTER_HELP)
    address = serializers.CharField(
        max_length=ADDRESS_LENGTH, required=False, allow_blank=True, trim_whitespace=False, help_text=ADDRESS_HELP
    )
    settings = JsonObjectField(required=False, help_text=SETTINGS_HELP)
    credentials = JsonObjectField(required=False, write_only=True, help_text=CREDENTIALS_HELP)
    cool_down_s = serializers.IntegerField(min_value=0, max_value=LONGEST_COOL_DOWN_S, required=False)
    enabled = serializers.BooleanField(required=False)
    owner = serializers.CharField(max_length=128, required=False)


class Triggers(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.MONITOR_WRITE}
    rate_limit = {"POST": "make_secret"}

    class Input(_Changeable):
        name = serializers.CharField(max_length=NAME_LENGTH)
        on = serializers.ChoiceField(Trigger.On.values)
        action = serializers.ChoiceField(Trigger.Action.values)

    class Query(serializers.Serializer):
        on = serializers.ChoiceField(Trigger.On.values, required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(TriggerOut))
    def get(self, request: Request) -> Response:
        """Triggers of the project by name, without their credentials."""
        query = parse_query(self.Query, request)
        triggers = selectors.list_triggers(project=self.project, **query)
        return Response(page(triggers, request, column="name", render=trigger_out))

    @extend_schema(request=Input, responses={201: NewTriggerOut})
    def post(self, request: Request) -> Response:
        """Start a job elsewhere whenever something happens here. A webhook that is given no secret gets one, which is
        shown in this answer alone.
        """
        data = parse(self.Input, request)
        trigger, secret = services.create_trigger(project=self.project, wish=Wish(**data), actor=self.principal)
        made = {**trigger_out(trigger), "secret": secret}
        return Response(made, status=201, headers={"Cache-Control": "no-store"})


class OneTrigger(RegistryView):
    permissions = {
        "GET": Permission.PROJECT_READ,
        "PATCH": Permission.MONITOR_WRITE,
        "DELETE": Permission.MONITOR_WRITE,
    }

    class Input(_Changeable):
        pass

    @extend_schema(responses=TriggerOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """What it waits for, and what it does then."""
        return Response(trigger_out(selectors.get_trigger(project=self.project, uuid=uuid)))

    @extend_schema(request=Input, responses=TriggerOut)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change it; what is left out stays. Filter, settings and credentials are replaced whole. Credentials do not
        move to another host: with such an address they have to be given anew.
        """
        changes = parse(self.Input, request)
        trigger = selectors.get_trigger(project=self.project, uuid=uuid)
        services.update_trigger(trigger=trigger, changes=changes, actor=self.principal)
        return Response(trigger_out(selectors.get_trigger(project=self.project, uuid=uuid)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> Response:
        """It fires no more, and its credentials are gone. What came of its firings keeps its line to them."""
        trigger = selectors.get_trigger(project=self.project, uuid=uuid)
        services.delete_trigger(trigger=trigger, actor=self.principal)
        return Response(status=204)


class Firings(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        state = serializers.ChoiceField(Firing.State.values, required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(FiringOut))
    def get(self, request: Request, uuid: UUID) -> Response:
        """Why it fired, or did not, and what came of it; newest first."""
        query = parse_query(self.Query, request)
        trigger = selectors.get_trigger(project=self.project, uuid=uuid)
        firings = selectors.list_firings(trigger=trigger, **query)
        return Response(page(firings, request, column="id", newest_first=True, render=firing_out))


class Fire(RegistryView):
    permissions = {"POST": Permission.MONITOR_WRITE}

    @extend_schema(request=None, responses={201: FiringOut})
    def post(self, request: Request, uuid: UUID) -> Response:
        """Fire it now, to see that it works, whether or not it is enabled and cooled down. A worker sends it; what came
        of that stands in the list of firings.
        """
        trigger = selectors.get_trigger(project=self.project, uuid=uuid)
        firing = services.fire_for_trial(trigger=trigger, actor=self.principal)
        return Response(firing_out(firing), status=201)
