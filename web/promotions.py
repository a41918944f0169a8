"""Promotions as lists show them: one line each, wherever they are listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import archives
from core.access import Permission, Principal
from registry.judging import APPROVAL
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


def may_decide(promotion: Promotion, principal: Principal) -> bool:
    """Whether the reader's word counts: not one's own proposal, and with the role for it."""
    return (
        wants_approval(promotion)
        and principal.id != promotion.requested_by_id
        and archives.can(principal, Permission.PROMOTION_APPROVE, promotion.project)
    )


def wants_approval(promotion: Promotion) -> bool:
    return any(gate["kind"] == APPROVAL for gate in promotion.gates)
