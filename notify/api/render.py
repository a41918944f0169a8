"""What subscriptions and deliveries look like on the wire, and OpenAPI's view of it."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from notify import links
from notify.models import Attempt, Delivery, Subscription
from notify.topics import SEVERITIES


class SubscriptionOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Subscription.Kind.values)
    target = serializers.CharField(help_text="As much of it as is no secret.")
    events = serializers.ListField(child=serializers.CharField())
    least_severity = serializers.ChoiceField(SEVERITIES)
    enabled = serializers.BooleanField()
    disabled_because = serializers.CharField(allow_blank=True, help_text="Where the server disabled it.")
    failing_since = serializers.DateTimeField(allow_null=True, help_text="The first failure after the last success.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text="Nothing is sent before, except by people.")
    last_state = serializers.ChoiceField(Delivery.State.values, allow_null=True, help_text="Of its newest delivery.")
    last_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class NewSubscriptionOut(SubscriptionOut):
    secret = serializers.CharField(allow_null=True, help_text="What signs its messages. It is shown here once.")


class DeliveryOut(serializers.Serializer):
    id = serializers.UUIDField(help_text="The message's id wherever it goes, the same on every attempt.")
    subscription = serializers.CharField()
    event = serializers.CharField()
    severity = serializers.ChoiceField(SEVERITIES)
    title = serializers.CharField()
    state = serializers.ChoiceField(Delivery.State.values)
    detail = serializers.CharField(allow_blank=True, help_text="Why it is tried again, failed, or is dead.")
    attempts = serializers.IntegerField(help_text="Since it was made, or replayed.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="Not tried before.")
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class AttemptOut(serializers.Serializer):
    at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField(
        allow_null=True, help_text="None while it is under way, or if whoever made it died."
    )
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP or SMTP.")
    answer = serializers.CharField(allow_blank=True, help_text="Its beginning.")
    error = serializers.CharField(allow_blank=True)


class WholeDeliveryOut(DeliveryOut):
    text = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    facts = serializers.DictField()
    tries = AttemptOut(many=True, help_text="Newest first.")


def subscription_out(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.uuid,
        "name": subscription.name,
        "kind": subscription.kind,
        "target": subscription.shown_target,
        "events": subscription.events,
        "least_severity": subscription.least_severity,
        "enabled": subscription.enabled,
        "disabled_because": subscription.disabled_because,
        "failing_since": subscription.failing_since,
        "paused_until": subscription.paused_until,
        "last_state": getattr(subscription, "last_state", None),
        "last_at": getattr(subscription, "last_at", None),
        "created_at": subscription.created_at,
        "created_by": subscription.created_by,
    }


def delivery_out(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.uuid,
        "subscription": delivery.subscription.name,
        "event": delivery.event,
        "severity": delivery.severity,
        "title": delivery.title,
        "state": delivery.state,
        "detail": delivery.detail,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "created_at": delivery.created_at,
        "ended_at": delivery.ended_at,
    }


def whole_delivery_out(delivery: Delivery, tries: Iterable[Attempt]) -> dict[str, Any]:
    return {
        **delivery_out(delivery),
        "text": delivery.text,
        "url": links.absolute(delivery.url),
        "facts": delivery.payload,
        "tries": [_attempt_out(attempt) for attempt in tries],
    }


def _attempt_out(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": attempt.at,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "answer": attempt.answer,
        "error": attempt.error,
    }
