"""Promotions as lists show them: one line each, wherever they are listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.models import Promotion


@dataclass(frozen=True, slots=True)
class PromotionRow:
    id: UUID
    project: str
    model: str
    number: int
    environment: str
    decision: str
    by: str
    reason: str
    asked_at: datetime


def promotion_rows(promotions: Iterable[Promotion]) -> list[PromotionRow]:
    """Asks for project, model, version and environment to be loaded along."""
    return [
        PromotionRow(
            id=promotion.uuid,
            project=promotion.project.name,
            model=promotion.model.name,
            number=promotion.version.number,
            environment=promotion.environment.name,
            decision=promotion.decision,
            by=promotion.requested_by,
            reason=promotion.reason,
            asked_at=promotion.requested_at,
        )
        for promotion in promotions
    ]
