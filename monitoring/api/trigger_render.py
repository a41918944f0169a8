"""What triggers and firings look like on the wire, and OpenAPI's view of it."""

from typing import Any

from rest_framework import serializers

from monitoring import links
from monitoring.models import Firing, Trigger


class TriggerOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    on = serializers.ChoiceField(Trigger.On.values)
    filter = serializers.DictField(help_text="With every default written out.")
    action = serializers.ChoiceField(Trigger.Action.values)
    address = serializers.CharField(help_text="Without its query, which may hold a secret.")
    settings = serializers.DictField()
    cool_down_s = serializers.IntegerField(help_text="It fires at most once in so many seconds.")
    enabled = serializers.BooleanField()
    owner = serializers.CharField(help_text="Who is asked about it.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="When its calendar is due next.")
    last_fired_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class NewTriggerOut(TriggerOut):
    secret = serializers.CharField(allow_null=True, help_text="Of a webhook that was given none. Shown here once.")


class CauseOut(serializers.Serializer):
    type = serializers.ChoiceField(Firing.Cause.values)
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the REST framework keeps an attribute of this name


class BriefVersionOut(serializers.Serializer):
    model = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField()


class FiringOut(serializers.Serializer):
    id = serializers.UUIDField(help_text="What a run names as its cause.")
    trigger = serializers.CharField()
    cause = CauseOut()
    state = serializers.ChoiceField(Firing.State.values)
    detail = serializers.CharField(allow_blank=True, help_text="Why it was suppressed, failed, or is tried again.")
    fired_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it was sent or given up.")
    attempts = serializers.IntegerField()
    answer_status = serializers.IntegerField(allow_null=True)
    answer = serializers.CharField(allow_blank=True, help_text="The beginning of the last answer.")
    run = serializers.CharField(allow_null=True, help_text="The first run that named it as its cause.")
    version = BriefVersionOut(allow_null=True, help_text="The first model version that came of such a run.")
    url = serializers.CharField()


def trigger_out(trigger: Trigger) -> dict[str, Any]:
    return {
        "id": trigger.uuid,
        "name": trigger.name,
        "on": trigger.on,
        "filter": trigger.filter,
        "action": trigger.action,
        "address": trigger.shown_address,
        "settings": trigger.settings,
        "cool_down_s": trigger.cool_down_s,
        "enabled": trigger.enabled,
        "owner": trigger.owner,
        "next_at": trigger.next_at,
        "last_fired_at": trigger.last_fired_at,
        "created_at": trigger.created_at,
        "created_by": trigger.created_by,
    }


def firing_out(firing: Firing) -> dict[str, Any]:
    version = firing.version
    return {
        "id": firing.uuid,
        "trigger": firing.trigger.name,
        "cause": {"type": firing.cause_type, "id": firing.cause_id, "label": firing.cause_label},
        "state": firing.state,
        "detail": firing.detail,
        "fired_at": firing.fired_at,
        "ended_at": firing.ended_at,
        "attempts": firing.attempts,
        "answer_status": firing.answer_status,
        "answer": firing.answer,
        "run": firing.run.uuid.hex if firing.run is not None else None,
        "version": (
            {"model": version.model.name, "number": version.number, "digest": version.digest} if version else None
        ),
        "url": links.firings_of(firing),
    }
