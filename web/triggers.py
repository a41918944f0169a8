"""Triggers and their firings as pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from monitoring.models import Firing


@dataclass(frozen=True, slots=True)
class FiringRow:
    """Why a trigger fired, how it went, and the run and version that came of it, empty where none did yet."""

    uuid: UUID
    trigger: str
    cause: str
    state: str
    detail: str
    at: datetime
    attempts: int
    answer_status: int | None
    run: str
    model: str
    number: int | None


def firing_rows(firings: Iterable[Firing]) -> list[FiringRow]:
    """Asks for trigger, run, version and model to be loaded along."""
    return [
        FiringRow(
            uuid=firing.uuid,
            trigger=firing.trigger.name,
            cause=firing.cause_label,
            state=firing.state,
            detail=firing.detail,
            at=firing.fired_at,
            attempts=firing.attempts,
            answer_status=firing.answer_status,
            run=firing.run.uuid.hex if firing.run else "",
            model=firing.version.model.name if firing.version else "",
            number=firing.version.number if firing.version else None,
        )
        for firing in firings
    ]
