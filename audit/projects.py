"""The project of an event, as the event itself tells of it: rows of accounts are above this room, and may be gone."""

import json
from dataclasses import dataclass
from uuid import UUID

from audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class EventProject:
    id: int
    uuid: UUID
    name: str


def project_of(event: AuditEvent) -> EventProject | None:
    if event.project_id is None:
        return None
    return EventProject(event.project_id, UUID(json.loads(event.body)["project"]["id"]), event.project_name)
