"""Reading personal values: an act of its own, for those who need them, and on the record."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from audit.events import Target
from audit.models import AuditEvent
from audit.opened import opened, withheld_paths
from audit.services import record
from core.access import Permission, Principal, ProjectRef, require, require_server_admin


@transaction.atomic
def read_private(
    *, event: AuditEvent, project: ProjectRef | None, actor: Principal, reason: str = ""
) -> Mapping[str, Any]:
    """The event's body with all its personal values; `project` is the event's. Reading what holds none leaves no entry.

    Raises:
        NotAllowed: the actor may read the trail, and not these values of it.
    """
    if project is None:
        require_server_admin(actor)
    else:
        require(actor, Permission.AUDIT_READ_PRIVATE, project)
    paths = withheld_paths(event)
    if paths:
        record(
            action="audit.read_private",
            target=Target("audit_event", str(event.uuid), f"{event.action} of {event.at:%Y-%m-%d}"),
            actor=actor,
            project=project,
            reason=reason,
            after={"paths": paths},
        )
    return opened([event], withhold=False)[event.pk]
