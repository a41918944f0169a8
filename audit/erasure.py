"""Erasure of personal values: the one write that takes something from the ledger, and leaves its proofs whole."""

import json
from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from audit.errors import EventNotFound
from audit.events import Target
from audit.models import AuditEvent, AuditPrivate
from audit.opened import commitments
from audit.projects import project_of
from audit.services import record
from core.access import Principal, require_server_admin
from core.errors import Invalid


@transaction.atomic
def erase_private(*, event_id: UUID, paths: Collection[str], actor: Principal, reason: str) -> list[str]:
    """Delete the values that the event holds at `paths` (as "/actor/display"), for good; the paths that still held one.

    The event's body keeps its commitments, which say nothing without the deleted salt, so every proof stays valid.
    All or nothing, and safe to repeat: what is erased already is passed over, and erasing nothing leaves no entry.
    Copies that left the server before, in exports or backups, are not reached.

    Raises:
        NotAllowed: the actor does not administer the server.
        EventNotFound: there is no such event.
        Invalid: no reason is given, or the event has no personal value at one of the paths.
    """
    require_server_admin(actor)
    if not reason.strip():
        raise Invalid("An erasure needs a reason; the ledger keeps it.", field="reason")
    event = AuditEvent.objects.filter(uuid=event_id).first()
    if event is None:
        raise EventNotFound(f"There is no event {event_id}.")
    _refuse_unknown(event, paths)
    rows = AuditPrivate.objects.filter(event=event, path__in=set(paths))
    erased = sorted(rows.values_list("path", flat=True))
    if erased:
        rows.delete()
        record(
            action="audit.erase_private",
            target=Target("audit_event", str(event.uuid), f"{event.action} of {event.at:%Y-%m-%d}"),
            actor=actor,
            project=project_of(event),  # an erasure stands in the trail that it took from
            reason=reason,
            after={"paths": erased},
        )
    return erased


def _refuse_unknown(event: AuditEvent, paths: Collection[str]) -> None:
    known = {path for path, _ in commitments(json.loads(event.body))}
    unknown = sorted(set(paths) - known)
    if unknown:
        has = ", ".join(sorted(known)) or "none at all"
        raise Invalid(
            f"Event {event.uuid} has no personal value at {', '.join(unknown)}; it has {has}.",
            errors=[{"field": "paths", "detail": f"{path} is no personal value of this event."} for path in unknown],
        )
