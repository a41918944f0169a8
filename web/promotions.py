"""Promotions as lists show them: one line each, wherever they are listed."""

from collections.abc import Collection, Iterable
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
    kind: str = "promotion"
    expires_at: datetime | None = None  # of one that waits
    is_mine: bool = False  # it lacks the reader's word
    previous: int | None = None

    @property
    def is_rollback(self) -> bool:
        return self.kind == "rollback"


def promotion_rows(promotions: Iterable[Promotion], *, mine: Collection[int] = ()) -> list[PromotionRow]:
    """Asks for project, model, version, previous and environment to be loaded along. `mine` are primary keys of those that
    lack the reader's word.
    """
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
            kind=promotion.kind,
            expires_at=promotion.expires_at if promotion.is_open else None,
            is_mine=promotion.pk in mine,
            previous=promotion.previous.number if promotion.previous else None,
        )
        for promotion in promotions
    ]


def may_refuse(promotion: Promotion, principal: Principal) -> bool:
    """Not one's own proposal, and with the role for it. An approval asks for more: see `registry.selectors.wants_word_of`."""
    return (
        wants_approval(promotion)
        and principal.id != promotion.requested_by_id
        and archives.can(principal, Permission.PROMOTION_APPROVE, promotion.project)
    )


def wants_approval(promotion: Promotion) -> bool:
    return any(gate["kind"] == APPROVAL for gate in promotion.gates)
