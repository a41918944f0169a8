"""Subscriptions: who is told of what; made, changed, tried and ended here."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query
from notify import selectors, services
from notify.api.render import DeliveryOut, NewSubscriptionOut, SubscriptionOut, delivery_out, subscription_out
from notify.models import Delivery, Subscription
from notify.models.subscriptions import NAME_LENGTH
from notify.services.subscriptions import MOST_PATTERNS, Wish
from notify.topics import SEVERITIES

TARGET_LENGTH = 6_000  # twenty e-mail addresses
TARGET_HELP = "An address of a webhook; or e-mail addresses with commas between them. Never shown whole again."
EVENTS_HELP = "Names of events, or patterns as `alert.*`; `*` for all."


class _Changeable(serializers.Serializer):
    target = serializers.CharField(
        max_length=TARGET_LENGTH, required=False, write_only=True, trim_whitespace=False, help_text=TARGET_HELP
    )
    events = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=MOST_PATTERNS, required=False, help_text=EVENTS_HELP
    )
    least_severity = serializers.ChoiceField(SEVERITIES, required=False, help_text="What is milder is not told.")
    enabled = serializers.BooleanField(required=False)


class Subscriptions(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.SUBSCRIPTION_WRITE}
    rate_limit = {"POST": "make_secret"}

    class Input(_Changeable):
        name = serializers.CharField(max_length=NAME_LENGTH)
        kind = serializers.ChoiceField(Subscription.Kind.values)
        target = serializers.CharField(
            max_length=TARGET_LENGTH, write_only=True, trim_whitespace=False, help_text=TARGET_HELP
        )

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(SubscriptionOut))
    def get(self, request: Request) -> Response:
        """Subscriptions of the project by name, without where they lead and what signs them."""
        subscriptions = selectors.list_subscriptions(project=self.project)
        return Response(page(subscriptions, request, column="name", render=subscription_out))

    @extend_schema(request=Input, responses={201: NewSubscriptionOut})
    def post(self, request: Request) -> Response:
        """Be told of what happens in the project. A webhook gets a secret, which is shown in this answer alone."""
        data = parse(self.Input, request)
        subscription, secret = services.create_subscription(
            project=self.project, wish=Wish(**data), actor=self.principal
        )
        return _with_secret(subscription, secret, status=201)


class OneSubscription(ProjectView):
    permissions = {
        "GET": Permission.PROJECT_READ,
        "PATCH": Permission.SUBSCRIPTION_WRITE,
        "DELETE": Permission.SUBSCRIPTION_WRITE,
    }

    class Input(_Changeable):
        pass

    @extend_schema(responses=SubscriptionOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """The subscription, without where it leads and what signs it."""
        return Response(subscription_out(selectors.get_subscription(project=self.project, uuid=uuid)))

    @extend_schema(request=Input, responses=SubscriptionOut)
    def patch(self, request: Request, uuid: UUID) -> Response:
        """Change it; what is left out stays. Enabling it forgets that it failed."""
        changes = parse(self.Input, request)
        subscription = selectors.get_subscription(project=self.project, uuid=uuid)
        services.update_subscription(subscription=subscription, changes=changes, actor=self.principal)
        return Response(subscription_out(selectors.get_subscription(project=self.project, uuid=uuid)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, uuid: UUID) -> Response:
        """It is told nothing more, and its deliveries are gone."""
        subscription = selectors.get_subscription(project=self.project, uuid=uuid)
        services.delete_subscription(subscription=subscription, actor=self.principal)
        return Response(status=204)


class TestSubscription(ProjectView):
    permissions = {"POST": Permission.SUBSCRIPTION_WRITE}
    rate_limit = {"POST": "send_by_hand"}

    @extend_schema(request=None, responses={201: DeliveryOut})
    def post(self, request: Request, uuid: UUID) -> Response:
        """Send a message that says nothing but that it works, even if it is disabled. A worker sends it; what came of
        that stands in the delivery.
        """
        subscription = selectors.get_subscription(project=self.project, uuid=uuid)
        delivery = services.send_test(subscription=subscription, actor=self.principal)
        return Response(delivery_out(delivery), status=201)


class RotateSecret(ProjectView):
    permissions = {"POST": Permission.SUBSCRIPTION_WRITE}
    rate_limit = {"POST": "make_secret"}

    @extend_schema(request=None, responses=NewSubscriptionOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """A new secret, shown in this answer alone. For a day messages are signed with the old one too."""
        subscription = selectors.get_subscription(project=self.project, uuid=uuid)
        secret = services.rotate_secret(subscription=subscription, actor=self.principal)
        return _with_secret(subscription, secret, status=200)


class Deliveries(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        state = serializers.ChoiceField(Delivery.State.values, required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(DeliveryOut))
    def get(self, request: Request, uuid: UUID) -> Response:
        """What it was told, and what came of that; newest first. Kept for thirty days after it has ended."""
        query = parse_query(self.Query, request)
        subscription = selectors.get_subscription(project=self.project, uuid=uuid)
        deliveries = selectors.list_deliveries(subscription=subscription, **query)
        return Response(page(deliveries, request, column="id", newest_first=True, render=delivery_out))


def _with_secret(subscription: Subscription, secret: str | None, *, status: int) -> Response:
    body: dict[str, Any] = {**subscription_out(subscription), "secret": secret}
    return Response(body, status=status, headers={"Cache-Control": "no-store"})
