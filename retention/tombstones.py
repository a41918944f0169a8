"""Tombstones: put up by a purge, read wherever a thing that is gone is still spoken of."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core import clock
from core.access import Principal, ProjectRef
from retention.models import Tombstone

BATCH = 500


def put_up(
    *, project: Any, kind: str, key: str, label: str, actor: Principal, reason: str, event_id: UUID
) -> Tombstone:
    """In the transaction of the purge; `event_id` is the ledger's entry of it. A model that was begun again and purged
    again has the later one.
    """
    stone, _ = Tombstone.objects.update_or_create(
        project_id=project.id,
        kind=kind,
        key=key,
        defaults={
            "label": label[:600],
            "purged_at": clock.now(),
            "purged_by": actor.name,
            "reason": reason,
            "event_id": event_id,
        },
    )
    return stone


def find(*, project: ProjectRef, kind: str, key: str) -> Tombstone | None:
    return Tombstone.objects.filter(project_id=project.id, kind=kind, key=key).first()


def words(tombstone: Tombstone | None) -> str:
    """`purged on 2026-11-21 by alice: cleaning up`."""
    if tombstone is None:
        return "purged"
    reason = f": {tombstone.reason}" if tombstone.reason else ""
    return f"purged on {tombstone.purged_at:%Y-%m-%d} by {tombstone.purged_by}{reason}"


def facts(tombstone: Tombstone) -> dict[str, Any]:
    """As documents show it."""
    return {
        "at": clock.text(tombstone.purged_at),
        "by": tombstone.purged_by,
        "reason": tombstone.reason,
        "event_id": str(tombstone.event_id),
    }


def facts_of(*, project: ProjectRef, kind: str, keys: Sequence[str]) -> Mapping[str, dict[str, Any]]:
    """`facts` of those of `keys` that were purged. One query for each 500."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), BATCH):
        rows = Tombstone.objects.filter(project_id=project.id, kind=kind, key__in=keys[start : start + BATCH])
        found.update({row.key: facts(row) for row in rows})
    return found
