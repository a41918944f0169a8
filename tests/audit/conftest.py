"""People and events for tests of the ledger, without the rooms above it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from audit.events import Target
from audit.models import AuditEvent
from audit.services import record
from core.access import Principal, Role
from core.ids import uuid7


@dataclass(frozen=True)
class Place:
    """A project as access and the ledger know it."""

    id: int
    uuid: UUID
    name: str


@pytest.fixture
def place() -> Place:
    return Place(id=7_000_001, uuid=uuid7(), name="fraud")


@pytest.fixture
def carol(place) -> Principal:
    """An approver of `place`, without an account."""
    return Principal(
        id=uuid7(), kind="user", name="carol", display_name="Carol Wu", roles={place.id: Role.APPROVER},
        auth_method="api_token",
    )  # fmt: skip


@pytest.fixture
def make_event(carol) -> Callable[..., AuditEvent]:
    """`make_event(reason="…")`: an event of Carol's, committed with nothing else."""

    def make(**options: Any) -> AuditEvent:
        given = {
            "action": "audit.verify",
            "target": Target("ledger", "log", "the ledger"),
            "actor": carol,
            "project": None,
        }
        with transaction.atomic():
            event_id = record(**{**given, **options})
        return AuditEvent.objects.get(uuid=event_id)

    return make
