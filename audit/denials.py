"""Refused attempts are events too: `core.access` tells of each, and it is recorded in a transaction of its own."""

from django.db import transaction

from audit.events import Target
from audit.services import record
from core.access import Principal, ProjectRef, on_denied


def record_denial(principal: Principal, permission: str, project: ProjectRef | None) -> None:
    """Called after the refused request's own transaction was rolled back."""
    with transaction.atomic():
        record(
            action="access.denied",
            target=Target(type="permission", id=permission, label=permission),
            actor=principal,
            project=project,
            outcome="denied",
        )


if record_denial not in on_denied:
    on_denied.append(record_denial)
