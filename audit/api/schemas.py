"""OpenAPI's view of what `render` gives."""

from rest_framework import serializers


class EventOut(serializers.Serializer):
    """`lineal-audit/1` with its personal values, where they were not erased, its number and its sentence."""

    v = serializers.CharField()
    id = serializers.UUIDField()
    seq = serializers.IntegerField(allow_null=True, help_text="Its number in the log; null until it has one.")
    time = serializers.DateTimeField()
    org = serializers.CharField()
    project = serializers.JSONField(allow_null=True)
    action = serializers.CharField()
    outcome = serializers.ChoiceField(["ok", "denied", "error"])
    actor = serializers.JSONField()
    auth = serializers.JSONField(allow_null=True)
    request = serializers.JSONField(allow_null=True)
    target = serializers.JSONField()
    reason = serializers.JSONField(allow_null=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    refs = serializers.JSONField()
    prev_event_of_target = serializers.UUIDField(allow_null=True)
    sentence = serializers.CharField()


class EventPageOut(serializers.Serializer):
    items = EventOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class LogCheckpointOut(serializers.Serializer):
    size = serializers.IntegerField()
    root = serializers.CharField(help_text="base64")  # type: ignore[assignment]  # the REST framework has a property of this name
    note = serializers.CharField(help_text="C2SP signed note.")
    created_at = serializers.DateTimeField()


class CheckpointPageOut(serializers.Serializer):
    items = LogCheckpointOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ProofOut(serializers.Serializer):
    event_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    leaf_hash = serializers.CharField(help_text="base64")
    body = serializers.CharField(help_text="The exact text of the leaf.")
    proof = serializers.ListField(child=serializers.CharField(), help_text="base64, RFC 6962 audit path.")
    checkpoint = LogCheckpointOut()


class ConsistencyOut(serializers.Serializer):
    old_size = serializers.IntegerField()
    new_size = serializers.IntegerField()
    proof = serializers.ListField(child=serializers.CharField(), help_text="base64, RFC 6962 2.1.2.")
    old = LogCheckpointOut()
    new = LogCheckpointOut()


class AnchorOut(serializers.Serializer):
    kind = serializers.CharField()
    size = serializers.IntegerField()
    location = serializers.CharField()
    outcome = serializers.ChoiceField(["ok", "error"])
    detail = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class AnchorPageOut(serializers.Serializer):
    items = AnchorOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class VerificationOut(serializers.Serializer):
    subject = serializers.CharField()
    mode = serializers.CharField()
    outcome = serializers.ChoiceField(["ok", "failed", "error"])
    checked = serializers.IntegerField()
    size = serializers.IntegerField(allow_null=True)
    findings = serializers.ListField(child=serializers.CharField())
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()


class VerificationPageOut(serializers.Serializer):
    items = VerificationOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)
