"""What the routes of the ledger answer, as plain dictionaries."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from audit import actions
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, Verification
from audit.opened import opened


def events_out(events: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    """Bodies with their personal values put back where those still exist. One query for all of them."""
    bodies = opened(events)
    return [event_out(event, dict(bodies[event.pk])) for event in events]


def event_out(event: AuditEvent, body: dict[str, Any]) -> dict[str, Any]:
    leaf: AuditLeaf | None = getattr(event, "leaf", None)
    target = body["target"]
    return body | {
        "seq": leaf.seq if leaf else None,
        "sentence": actions.sentence(event.action, target=str(target["label"] or target["id"]), after=body["after"]),
    }


def checkpoint_out(checkpoint: AuditCheckpoint) -> dict[str, Any]:
    return {
        "size": checkpoint.size,
        "root": base64(checkpoint.root),
        "note": checkpoint.note,
        "created_at": checkpoint.created_at,
    }


def anchor_out(anchor: Anchor) -> dict[str, Any]:
    return {
        "kind": anchor.kind,
        "size": anchor.checkpoint_id,
        "location": anchor.location,
        "outcome": anchor.outcome,
        "detail": anchor.detail,
        "at": anchor.at,
    }


def verification_out(result: Verification) -> dict[str, Any]:
    return {
        "subject": result.subject,
        "mode": result.mode,
        "outcome": result.outcome,
        "checked": result.checked,
        "size": result.size,
        "findings": result.findings,
        "started_at": result.started_at,
        "ended_at": result.ended_at,
    }


def base64(raw: bytes | memoryview) -> str:
    return b64encode(bytes(raw)).decode()
