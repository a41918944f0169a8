"""Ledger entries as pages show them: a sentence in front, the whole record behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.urls import reverse

from audit import actions
from audit.models import AuditEvent, AuditLeaf
from audit.opened import opened
from audit.selectors import Filter, event_position, list_events
from core.access import Permission, Principal, ProjectRef, can
from web.targets import target_url

SHOWN_ENTRIES = 20
_MARK = "\0"  # stands in no text of an entry


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in a list. `position` is its number in the ledger, None until it has one; `project` is empty for the server's own.

    Its sentence stands in three parts, so that a page can link the object in the middle.
    """

    id: UUID
    at: datetime
    actor: str
    actor_type: str
    before_target: str
    target: str
    after_target: str
    target_url: str
    action: str
    outcome: str
    reason: str
    position: int | None
    url: str
    project: str

    @property
    def day(self) -> date:
        """Of UTC."""
        return self.at.astimezone(UTC).date()


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
    only = Filter(project=project.name, target_type=type, target_id=id)
    return entries_of(list_events(visible_to=viewer, only=only)[:SHOWN_ENTRIES], project=project)


def entries_of(events: QuerySet[AuditEvent] | Sequence[AuditEvent], *, project: ProjectRef | None) -> list[Entry]:
    """Two queries for all of them. Links lead to the project's trail, or to the server's without one."""
    found = list(events)
    bodies = opened(found)
    return [entry_of(event, bodies[event.pk], project=project) for event in found]


def entry_of(event: AuditEvent, body: Mapping[str, Any], *, project: ProjectRef | None) -> Entry:
    leaf: AuditLeaf | None = getattr(event, "leaf", None)
    before, after = _around_target(event.action, body)
    return Entry(
        id=event.uuid,
        at=event.at,
        actor=str(body["actor"]["display"] or body["actor"]["name"]),
        actor_type=body["actor"]["type"],
        before_target=before,
        target=said(body["target"]["label"]) or body["target"]["id"],
        after_target=after,
        target_url=target_url(body),
        action=event.action,
        outcome=event.outcome,
        reason=said(body["reason"]),
        position=leaf.seq if leaf else None,
        url=event_url(event.uuid, project),
        project=event.project_name,
    )


def _around_target(action: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence of an entry before and behind the name of its object."""
    before, _, after = actions.sentence(action, target=_MARK, after=body["after"]).partition(_MARK)
    return before, after


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
    position = event_position(event_id) if event_id else None
    if position is None:
        return None
    return Place(position.seq, position.leaf_hash.hex(), position.checkpoint.size if position.checkpoint else None)
