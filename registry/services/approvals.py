"""People's word on a promotion: approve, refuse, cancel.

Whoever proposes does not approve, nor does a machine. What is signed is one digest on one evidence: when either is
not what the promotion has now, nothing is signed. An attempt that may not be made is refused and stands on the ledger.
"""

from django.db import transaction

from audit.services import record
from core.access import Permission, Principal, can
from core.clock import now
from core.errors import LinealError
from registry.errors import DigestDiffers, EvidenceChanged, MayNotSign, NothingToApprove, PromotionClosed
from registry.evidence import promotion_target
from registry.gates.approval import why_not
from registry.judging import approval_specs
from registry.models import Approval, Promotion, Slot
from registry.services.promotions import (
    close,
    expire_if_due,
    lock_open,
    note_changed_evidence,
    record_promotion,
    settle,
)

Decision = Promotion.Decision


def decide_promotion(
    *, promotion: Promotion, decision: str, reason: str, actor: Principal, digest: str | None = None
) -> Promotion:
    """Approve or refuse. The approval that was missing carries the promotion out, after judging it once more; a
    refusal ends it. The same word of the same person again changes nothing.

    Raises:
        MayNotSign: the actor proposed it, is no person, trained or registered the version, or has too low a role.
        DigestDiffers: `digest`, which says what the actor looked at, is not the version's.
        PromotionClosed: it is decided already.
        NothingToApprove: no gate of its policy asks for an approval.
        EvidenceChanged: it was judged anew just now, with another result than stood there; nothing was signed.
    """
    try:
        with transaction.atomic():
            decided, changed = _decide(promotion.pk, Approval.Decision(decision), reason, actor, digest)
    except (MayNotSign, DigestDiffers) as exc:
        _record_denied(promotion, decision, actor, exc)
        raise
    if changed:
        raise EvidenceChanged(
            "The evidence is not what it was when the promotion was last judged, so nothing was signed and earlier "
            "approvals no longer count. Look at the gates again.",
            promotion=str(promotion.uuid),
        )
    return decided


def _decide(
    promotion_id: int, decision: Approval.Decision, reason: str, actor: Principal, digest: str | None
) -> tuple[Promotion, bool]:
    promotion, slot = lock_open(promotion_id)
    if _said_already(promotion, decision, actor):
        return promotion, False
    if not promotion.is_open:
        raise PromotionClosed(f"This promotion is decided: {promotion.decision}.", decision=str(promotion.decision))
    if expire_if_due(promotion):
        return promotion, False
    _refuse_signer(promotion, actor)
    if digest is not None and digest != promotion.version.digest:
        raise DigestDiffers(f"You looked at {digest[:80]}, and this promotion is of {promotion.version.digest}.")
    if decision == Approval.Decision.REFUSE:
        _refuse(promotion, reason, actor)
        return promotion, False
    return promotion, _approve(promotion, slot, reason, actor)


def _said_already(promotion: Promotion, decision: Approval.Decision, actor: Principal) -> bool:
    """Whether the actor's word stands already, as after an answer that was lost on its way."""
    return promotion.approvals.filter(
        account_id=actor.id, decision=decision, evidence_sha256=promotion.evidence_sha256
    ).exists()


def _refuse_signer(promotion: Promotion, actor: Principal) -> None:
    if actor.kind != "user":
        raise MayNotSign("Approvals are given by people; a service account cannot give one.")
    if actor.role_in(promotion.project) is None:
        raise MayNotSign("Approvals are given by members of the project.")
    if actor.id == promotion.requested_by_id:
        raise MayNotSign("Who proposes a promotion does not decide on it. You can cancel it.")


def _refuse(promotion: Promotion, reason: str, actor: Principal) -> None:
    _sign(promotion, Approval.Decision.REFUSE, reason, actor, action="promotion.refuse")
    close(
        promotion,
        Decision.REFUSED,
        action="promotion.fail",
        actor=actor,
        detail=f"Refused by {actor.name}: {reason}",
    )


def _approve(promotion: Promotion, slot: Slot, reason: str, actor: Principal) -> bool:
    """Judge again, sign what is seen if it is what stood there, and judge with the signature. True where it is not."""
    seen_by_the_actor = promotion.evidence_sha256
    settle(promotion, slot, actor=actor)
    if not promotion.is_open:
        return False
    if note_changed_evidence(promotion, seen_by_the_actor, actor=actor):
        return True
    _refuse_uncounted(promotion, actor)
    _sign(promotion, Approval.Decision.APPROVE, reason, actor, action="promotion.approve")
    settle(promotion, slot, actor=actor)
    return False


def _refuse_uncounted(promotion: Promotion, actor: Principal) -> None:
    specs = approval_specs(promotion)
    if not specs:
        raise NothingToApprove(f"No gate asks for an approval. It waits for: {promotion.detail}")
    reasons = [
        why_not(spec.spec, promotion.version, account_id=actor.id, role=_role(promotion, actor)) for spec in specs
    ]
    if all(reasons):
        raise MayNotSign(" ".join(sorted({reason for reason in reasons if reason})))


def _sign(promotion: Promotion, decision: Approval.Decision, reason: str, actor: Principal, *, action: str) -> None:
    event_id = record_promotion(
        promotion,
        action,
        actor=actor,
        reason=reason,
        after={"digest": promotion.version.digest, "evidence_sha256": promotion.evidence_sha256},
    )
    Approval.objects.create(
        promotion=promotion,
        account_id=actor.id,
        account_name=actor.name,
        role=_role(promotion, actor),
        decision=decision,
        reason=reason,
        auth_method=actor.auth_method,
        signed_digest=promotion.version.digest,
        evidence_sha256=promotion.evidence_sha256,
        signed_at=now(),
        event_id=event_id,
    )


def _role(promotion: Promotion, actor: Principal) -> str:
    role = actor.role_in(promotion.project)
    return role.label if role is not None else ""


def _record_denied(promotion: Promotion, decision: str, actor: Principal, error: LinealError) -> None:
    """In a transaction of its own: the attempt's own was rolled back."""
    with transaction.atomic():
        record(
            action=f"promotion.{decision}",
            target=promotion_target(promotion),
            actor=actor,
            project=promotion.project,
            outcome="denied",
            reason=error.detail,
            after={"error": error.code},
        )


def cancel_promotion(*, promotion: Promotion, reason: str, actor: Principal) -> Promotion:
    """Take back a promotion that waits. Its proposer may, and whoever may approve.

    Raises:
        PromotionClosed: it is decided already.
        MayNotSign: the actor is neither.
    """
    with transaction.atomic():
        locked, _ = lock_open(promotion.pk)
        may = actor.id == locked.requested_by_id or can(actor, Permission.PROMOTION_APPROVE, locked.project)
        if not may:
            raise MayNotSign("A promotion is cancelled by who proposed it, or by who may approve it.")
        if locked.decision == Decision.CANCELLED:
            return locked
        if not locked.is_open:
            raise PromotionClosed(f"This promotion is decided: {locked.decision}.", decision=str(locked.decision))
        detail = f"Cancelled by {actor.name}: {reason}"
        close(locked, Decision.CANCELLED, action="promotion.cancel", actor=actor, detail=detail)
    return locked
