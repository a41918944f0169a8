"""Ledger entries as pages show them: a sentence in front, the whole record behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.urls import reverse

from audit import actions
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf
from core.access import Permission, Principal, ProjectRef, can
from web.opened import opened

SHOWN_ENTRIES = 20
LISTED = AuditEvent.objects.select_related("leaf")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in a list. `position` is its number in the ledger, None until it has one."""

    at: datetime
    actor: str
    sentence: str
    action: str
    outcome: str
    reason: str
    position: int | None
    url: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the log. `checkpoint` is the size of the first signed head over it, None until then."""

    seq: int
    leaf_hash: str
    checkpoint: int | None


def trail_of(*, project: ProjectRef, type: str, id: str, viewer: Principal) -> list[Entry]:  # noqa: A002 - as targets call them
    """The newest entries about one thing of a project; none for who may not read the trail."""
    if not can(viewer, Permission.AUDIT_READ, project):
        return []
    events = LISTED.filter(project_id=project.id, target_type=type, target_id=id).order_by("-id")
    return entries_of(events[:SHOWN_ENTRIES], project=project)


def entries_of(events: QuerySet[AuditEvent] | Sequence[AuditEvent], *, project: ProjectRef | None) -> list[Entry]:
    """Two queries for all of them. Links lead to the project's trail, or to the server's without one."""
    found = list(events)
    bodies = opened(found)
    return [entry_of(event, bodies[event.pk], project=project) for event in found]


def entry_of(event: AuditEvent, body: Mapping[str, Any], *, project: ProjectRef | None) -> Entry:
    target = body["target"]
    leaf: AuditLeaf | None = getattr(event, "leaf", None)
    return Entry(
        at=event.at,
        actor=str(body["actor"]["display"] or body["actor"]["name"]),
        sentence=actions.sentence(event.action, target=str(target["label"] or target["id"])),
        action=event.action,
        outcome=event.outcome,
        reason=said(body["reason"]),
        position=leaf.seq if leaf else None,
        url=event_url(event.uuid, project),
    )


def event_url(uuid: UUID, project: ProjectRef | None) -> str:
    if project is None:
        return reverse("web:server_event", args=[uuid])
    return reverse("web:audit_event", args=[project.name, uuid])


def said(value: Any) -> str:
    """A value of a body as text. Long texts stand there by digest, with their beginning."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value.keys() == {"sha256", "characters", "start"}:
        return f"{value['start']}… ({value['characters']} characters, sha256:{value['sha256']})"
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def place_of(event_id: UUID | None) -> Place | None:
    """None while the entry waits for its number. Two queries."""
    leaf = AuditLeaf.objects.filter(event__uuid=event_id).first() if event_id else None
    if leaf is None:
        return None
    heads = AuditCheckpoint.objects.filter(size__gt=leaf.seq).order_by("size")
    return Place(leaf.seq, bytes(leaf.leaf_hash).hex(), heads.values_list("size", flat=True).first())
