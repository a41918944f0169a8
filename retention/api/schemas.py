"""What the routes of this room answer, and OpenAPI's view of it."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from retention import usage
from retention.kinds import Act
from retention.models import Deletion, DeletionItem, Hold
from retention.plans import Plan, Planned
from retention.usage import Usage

OUTCOMES = ["done", "unchanged", "held", "failed"]


class PurgedOut(serializers.Serializer):
    """What is left to say of a thing that was purged."""

    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    event_id = serializers.UUIDField(help_text="The ledger's entry of the purge.")


class HoldOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    key = serializers.CharField(help_text="The thing's lasting id, in hex.")
    label = serializers.CharField()  # type: ignore[assignment]  # the REST framework has a property of this name
    reason = serializers.CharField()
    placed_at = serializers.DateTimeField()
    placed_by = serializers.CharField()
    lifted_at = serializers.DateTimeField(allow_null=True)
    lifted_by = serializers.CharField(allow_null=True)
    lift_reason = serializers.CharField(allow_null=True)


def hold_out(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.uuid,
        "kind": hold.kind,
        "key": hold.key,
        "label": hold.label,
        "reason": hold.reason,
        "placed_at": hold.placed_at,
        "placed_by": hold.placed_by,
        "lifted_at": hold.lifted_at,
        "lifted_by": hold.lifted_by or None,
        "lift_reason": hold.lift_reason or None,
    }


class HeldOut(serializers.Serializer):
    kind = serializers.CharField()
    id = serializers.CharField()
    held = serializers.BooleanField()
    by = serializers.ListField(child=serializers.CharField())


class PlannedOut(serializers.Serializer):
    id = serializers.CharField(
        help_text="As people name it: a run's id, an experiment's or model's name, model/number."
    )
    label = serializers.CharField()  # type: ignore[assignment]  # the REST framework has a property of this name
    state = serializers.CharField(allow_null=True, help_text="Before the act; null in what was done.")
    outcome = serializers.ChoiceField([*OUTCOMES, ""], help_text="What would come of it, or has; empty: not yet.")
    by = serializers.ListField(child=serializers.CharField(), help_text="What holds it, or why it cannot be done.")
    points = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True, help_text="Of metrics and files, shared ones counted in each.")


class DeletionOut(serializers.Serializer):
    id = serializers.UUIDField(allow_null=True, help_text="Null in a dry run, which is not kept.")
    kind = serializers.CharField()
    act = serializers.ChoiceField([act.value for act in Act])
    dry_run = serializers.BooleanField()
    state = serializers.ChoiceField(["planned", *Deletion.State.values])
    selection = serializers.JSONField()
    reason = serializers.CharField(allow_blank=True)
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    held = serializers.IntegerField()
    failed = serializers.IntegerField()
    points = serializers.IntegerField(allow_null=True, help_text="Of what would be done; null in what was.")
    bytes = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class DeletionWithItemsOut(DeletionOut):
    items = PlannedOut(many=True)


def plan_out(plan: Plan, reason: str) -> dict[str, Any]:
    going = plan.going
    return {
        "id": None,
        "kind": plan.kind.name,
        "act": plan.act.value,
        "dry_run": True,
        "state": "planned",
        "selection": dict(plan.selection),
        "reason": reason,
        "total": len(plan.entries),
        **{outcome: plan.count(outcome) for outcome in OUTCOMES},
        "points": sum(entry.item.points for entry in going),
        "bytes": sum(entry.item.bytes for entry in going),
        "created_at": None,
        "finished_at": None,
        "items": [planned_out(entry) for entry in plan.entries],
    }


def planned_out(entry: Planned) -> dict[str, Any]:
    item = entry.item
    return {
        "id": item.name,
        "label": item.label,
        "state": item.state,
        "outcome": entry.outcome,
        "by": list(entry.whys),
        "points": item.points,
        "bytes": item.bytes,
    }


def deletion_out(deletion: Deletion) -> dict[str, Any]:
    return {
        "id": deletion.uuid,
        "kind": deletion.kind,
        "act": deletion.act,
        "dry_run": False,
        "state": deletion.state,
        "selection": deletion.selection,
        "reason": deletion.reason,
        "total": deletion.total,
        **{outcome: getattr(deletion, outcome) for outcome in OUTCOMES},
        "points": None,
        "bytes": None,
        "created_at": deletion.created_at,
        "finished_at": deletion.finished_at,
    }


def item_out(item: DeletionItem) -> dict[str, Any]:
    return {
        "id": item.key,
        "label": item.label,
        "state": None,
        "outcome": item.outcome,
        "by": [item.detail] if item.detail else [],
        "points": None,
        "bytes": None,
    }


class UsageOut(serializers.Serializer):
    project = serializers.CharField()
    counted_at = serializers.DateTimeField(help_text="Numbers are counted anew after a minute.")
    archived = serializers.BooleanField()
    bin_days = serializers.IntegerField(help_text="How long the bin keeps things; 0 for ever.")

    def get_fields(self) -> dict[str, Any]:
        numbers = {field.name: serializers.IntegerField(help_text=field.label) for field in usage.FIELDS}
        return {**super().get_fields(), **numbers}


def usage_out(project: Any, found: Usage, bin_days: int) -> Mapping[str, Any]:
    return {
        "project": project.name,
        "counted_at": found.counted_at,
        "archived": project.is_archived,
        "bin_days": bin_days,
        **found.numbers,
    }
