"""What monitors, windows and their judgements look like on the wire, and OpenAPI's view of it."""

from typing import Any

from rest_framework import serializers

from monitoring import links
from monitoring.api.trigger_render import BriefVersionOut
from monitoring.models import Baseline, ColumnResult, Evaluation, Monitor, Window
from registry.models import ModelVersion


class StrictSerializer(serializers.Serializer):
    """Within a body: refuses what it does not know, as the body itself does."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({str(key): ["Unknown key."] for key in unknown})
        return super().to_internal_value(data)


class QuietHours(StrictSerializer):
    """Nobody is told anything from `from` to `to`; alerts are opened all the same."""

    def get_fields(self) -> dict[str, Any]:
        names = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
        return {name: serializers.CharField(max_length=64, help_text=f"As {value}.") for name, value in names.items()}


class ColumnChoice(StrictSerializer):
    include = serializers.ListField(
        child=serializers.CharField(max_length=500, trim_whitespace=False),
        required=False,
        max_length=10_000,
        help_text="Features that are looked at; all of them if empty.",
    )
    exclude = serializers.ListField(
        child=serializers.CharField(max_length=500, trim_whitespace=False),
        required=False,
        max_length=10_000,
        help_text="Columns that are not.",
    )


class MonitorOut(serializers.Serializer):
    id = serializers.UUIDField()
    version = BriefVersionOut()
    environment = serializers.CharField()
    enabled = serializers.BooleanField(help_text="If not, what comes is kept, and judged once it is enabled.")
    window_s = serializers.IntegerField()
    grace_s = serializers.IntegerField(help_text="How long after its end a window is closed and judged.")
    limits = serializers.DictField(help_text="With every default written out.")
    columns = ColumnChoice()
    severity = serializers.ChoiceField(Monitor.Severity.values, help_text="The least that opens an alert.")
    quiet_hours = QuietHours(allow_null=True)
    silence_windows = serializers.IntegerField(help_text="So many windows without data are an alert; 0: never.")
    learn_windows = serializers.IntegerField(help_text="So many windows that are well teach how windows vary.")
    owner = serializers.CharField(help_text="Who is asked about it.")
    last_state = serializers.CharField(allow_null=True, help_text="Of the latest window that was judged.")
    last_start = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ReferenceLinkOut(serializers.Serializer):
    id = serializers.CharField(help_text="SHA-256 of what is pinned.")
    url = serializers.CharField()


class QuestionOut(serializers.Serializer):
    """What serving code has to know: where its profiles go, and against what they are made."""

    id = serializers.UUIDField()
    version = BriefVersionOut()
    environment = serializers.CharField()
    window_s = serializers.IntegerField()
    privacy = serializers.ChoiceField(["standard", "strict"])
    reference = ReferenceLinkOut(
        allow_null=True, help_text="Null while the version has no baseline to profile against."
    )
    enabled = serializers.BooleanField()


class EvaluationOut(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.IntegerField(help_text="More than 1 for a restatement.")
    state = serializers.ChoiceField(["ok", "warn", "critical", "not_enough_data", "no_reference"])
    rows = serializers.IntegerField()
    alarms = serializers.DictField(child=serializers.CharField(), help_text="Severities by kind of alert.")
    baseline = serializers.CharField(allow_blank=True, help_text="SHA-256 of what it was judged by.")
    created_at = serializers.DateTimeField()


class WindowOut(serializers.Serializer):
    id = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    due_at = serializers.DateTimeField(help_text="When it is closed and judged.")
    state = serializers.ChoiceField(Window.State.values)
    detail = serializers.CharField(allow_blank=True, help_text="Why it could not be judged.")
    accepted = serializers.ChoiceField(["", "learnt", "accepted"], help_text="Whether it is taken as normal.")
    evaluation = EvaluationOut(allow_null=True, help_text="The judgement that stands.")


class PartOut(serializers.Serializer):
    part = serializers.UUIDField()
    window = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    rows = serializers.IntegerField()
    sha256 = serializers.CharField()
    refused = serializers.CharField(allow_blank=True, help_text="Why it could not be merged with its window's others.")
    received_at = serializers.DateTimeField()
    received_from = serializers.CharField()


class OneWindowOut(WindowOut):
    monitor = serializers.UUIDField()
    result = serializers.DictField(
        allow_null=True, help_text="What the engine found: columns, schema, performance, notes."
    )
    evaluations = EvaluationOut(many=True)
    parts = PartOut(many=True, help_text="The latest 100.")
    part_count = serializers.IntegerField()


class ColumnResultOut(serializers.Serializer):
    window = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    kind = serializers.CharField()
    role = serializers.CharField()
    state = serializers.CharField()
    test = serializers.CharField(allow_null=True)
    statistic = serializers.FloatField(allow_null=True)
    p_value = serializers.FloatField(allow_null=True)
    adjusted_p = serializers.FloatField(allow_null=True)
    e_value = serializers.FloatField(allow_null=True)
    effects = serializers.DictField()
    message = serializers.CharField()


class BaselineOut(serializers.Serializer):
    version = BriefVersionOut()
    sha256 = serializers.CharField()
    privacy = serializers.CharField()
    rows = serializers.IntegerField()
    key = serializers.CharField(help_text="What profiles call their hashing key by; not the key.")
    reference = serializers.CharField(allow_null=True, help_text="Null where the hashing key is not known here.")
    source = serializers.CharField(allow_blank=True, help_text="The artifact that it was frozen from.")  # type: ignore[assignment]  # the REST framework keeps an attribute of this name
    frozen_at = serializers.DateTimeField()
    frozen_by = serializers.CharField()
    profile = serializers.CharField(help_text="Base64 of the profile's bytes.")


def brief_version(version: ModelVersion) -> dict[str, Any]:
    return {"model": version.model.name, "number": version.number, "digest": version.digest}


def monitor_out(monitor: Monitor) -> dict[str, Any]:
    return {
        "id": monitor.uuid,
        "version": brief_version(monitor.version),
        "environment": monitor.environment.name,
        "enabled": monitor.enabled,
        "window_s": monitor.window_s,
        "grace_s": monitor.grace_s,
        "limits": monitor.limits,
        "columns": monitor.columns,
        "severity": monitor.severity,
        "quiet_hours": monitor.quiet_hours,
        "silence_windows": monitor.silence_windows,
        "learn_windows": monitor.learn_windows,
        "owner": monitor.owner,
        "last_state": getattr(monitor, "last_state", None),
        "last_start": getattr(monitor, "last_start", None),
        "created_at": monitor.created_at,
    }


def question_out(monitor: Monitor, baseline: Baseline | None) -> dict[str, Any]:
    reference = None
    if baseline is not None and baseline.reference_id:
        reference = {"id": baseline.reference_id, "url": links.reference_route(monitor)}
    return {
        "id": monitor.uuid,
        "version": brief_version(monitor.version),
        "environment": monitor.environment.name,
        "window_s": monitor.window_s,
        "privacy": baseline.privacy if baseline is not None else "standard",
        "reference": reference,
        "enabled": monitor.enabled,
    }


def evaluation_out(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "id": evaluation.uuid,
        "number": evaluation.number,
        "state": evaluation.state,
        "rows": evaluation.rows,
        "alarms": evaluation.alarms,
        "baseline": evaluation.baseline_sha256,
        "created_at": evaluation.created_at,
    }


def window_out(window: Window) -> dict[str, Any]:
    reference = getattr(window, "reference", None)
    accepted = "" if reference is None else "learnt" if reference.is_learnt else "accepted"
    return {
        "id": window.uuid,
        "start": window.start,
        "end": window.end,
        "due_at": window.due_at,
        "state": window.state,
        "detail": window.detail,
        "accepted": accepted,
        "evaluation": evaluation_out(window.evaluation) if window.evaluation is not None else None,
    }


def column_result_out(result: ColumnResult) -> dict[str, Any]:
    return {
        "window": result.window.uuid,
        "start": result.start,
        "end": result.window.end,
        "kind": result.kind,
        "role": result.role,
        "state": result.state,
        "test": result.test,
        "statistic": result.statistic,
        "p_value": result.p_value,
        "adjusted_p": result.adjusted_p,
        "e_value": result.e_value,
        "effects": result.effects,
        "message": result.message,
    }
