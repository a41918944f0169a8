"""Reads of promotions and receipts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from accounts import archives
from core.access import Permission, Principal, ProjectRef, can
from core.errors import NotFound
from registry.errors import ReceiptMissing
from registry.gates import approval
from registry.gates.base import Status
from registry.models import Approval, ModelVersion, Promotion, Receipt

MOST_WAITING = 500  # promotions looked at for one person; the oldest come first, since they expire first

STATES = {
    Promotion.Decision.WAITING: "waiting",
    Promotion.Decision.PROMOTED: "committed",
    Promotion.Decision.ALREADY: "unchanged",
    Promotion.Decision.GATE_FAILED: "failed",
    Promotion.Decision.EVIDENCE_MISSING: "failed",
    Promotion.Decision.HOLDER_DIFFERS: "failed",
    Promotion.Decision.FROZEN: "failed",
    Promotion.Decision.REFUSED: "refused",
    Promotion.Decision.EXPIRED: "expired",
    Promotion.Decision.CANCELLED: "cancelled",
}
"""Where a promotion stands, by its decision."""


def list_promotions(
    *, project: ProjectRef, model: str | None = None, environment: str | None = None, state: str | None = None
) -> QuerySet[Promotion]:
    """Newest first, with all that a result document needs but approvals and receipt, which are prefetched."""
    promotions = Promotion.objects.select_related(
        "project",
        "model",
        "version__model__project",
        "version__run",
        "environment",
        "previous",
        "policy_revision__policy",
    ).prefetch_related("approvals", "receipt")
    promotions = promotions.filter(project_id=project.id)
    if model:
        promotions = promotions.filter(model__name=model)
    if environment:
        promotions = promotions.filter(environment__name=environment)
    if state:
        promotions = promotions.filter(decision__in=[decision for decision, name in STATES.items() if name == state])
    return promotions.order_by("-id")


def waiting_for(*, project: ProjectRef, principal: Principal) -> list[Promotion]:
    """Open promotions that lack a word which `principal` may give (`wants_word_of`), oldest first, at most 500 looked at.

    Two queries. Project, version and run are loaded along, and of the approvals the principal's own.
    """
    if not can(principal, Permission.PROMOTION_APPROVE, project):
        return []
    own = Approval.objects.filter(account_id=principal.id)
    signed = own.filter(promotion=OuterRef("pk"), evidence_sha256=OuterRef("evidence_sha256"))
    waiting = list_promotions(project=project, state="waiting").exclude(requested_by_id=principal.id)
    waiting = waiting.prefetch_related(None).select_related(None).select_related("project", "version__run")
    waiting = waiting.prefetch_related(Prefetch("approvals", own))
    oldest = waiting.filter(~Exists(signed)).order_by("id")[:MOST_WAITING]
    return [each for each in oldest if wants_word_of(each, principal)]


def wants_word_of(promotion: Promotion, principal: Principal) -> bool:
    """Whether an approval by `principal` would count, by the rules of `decide_promotion`: not the proposer's, not a
    machine's, of the role that a waiting gate asks for, not of who trained or registered the version unless that gate
    allows it, and not once more on the same evidence. A refusal asks for less: see `services.decide_promotion`.

    No query where project, version, its run and approvals are loaded along.
    """
    role = principal.role_in(promotion.project)
    if role is None or principal.kind != "user" or principal.id == promotion.requested_by_id:
        return False
    if not archives.can(principal, Permission.PROMOTION_APPROVE, promotion.project):
        return False
    wanted: list[dict[str, Any]] = [
        gate for gate in promotion.gates if gate["kind"] == "approval" and gate["status"] == Status.WAITING
    ]
    counted = (approval.why_not(gate, promotion.version, account_id=principal.id, role=role.label) for gate in wanted)
    return any(reason is None for reason in counted) and not has_signed(promotion, principal)


def has_signed(promotion: Promotion, principal: Principal) -> bool:
    """On the evidence as it stands: when that has changed since, the word is asked for again."""
    signed = {(each.account_id, each.evidence_sha256) for each in promotion.approvals.all()}
    return (principal.id, promotion.evidence_sha256) in signed


def committed_until(
    *, project: ProjectRef, until: datetime, environment: str | None = None, model: str | None = None
) -> QuerySet[Promotion]:
    """What was promoted up to that moment, the latest first, with approvals."""
    committed = list_promotions(project=project, model=model, environment=environment, state="committed")
    return committed.filter(finished_at__lte=until).order_by("-finished_at", "-id")


def get_promotion(*, project: ProjectRef, uuid: UUID) -> Promotion:
    """Raises NotFound."""
    promotion = list_promotions(project=project).filter(uuid=uuid).first()
    if promotion is None:
        raise NotFound(f"There is no promotion {uuid} in this project.")
    return promotion


def get_receipt(*, project: ProjectRef, uuid: UUID) -> Receipt:
    """Raises ReceiptMissing."""
    receipt = (
        Receipt.objects.select_related("promotion__project").filter(uuid=uuid, promotion__project_id=project.id).first()
    )
    if receipt is None:
        raise ReceiptMissing(f"There is no receipt {uuid} in this project.")
    return receipt


def receipt_vkey() -> str:
    """The public key of the latest receipt. Raises ReceiptMissing before the first."""
    vkey = Receipt.objects.order_by("-id").values_list("vkey", flat=True).first()
    if vkey is None:
        raise ReceiptMissing("No receipt has been made on this server yet, so there is no key.")
    return vkey


def good_line(history: Iterable[Promotion]) -> list[ModelVersion]:
    """The versions that a slot may return to, the current one last. `history` is oldest first.

    A rollback takes away what it left behind, so that rolling back twice goes two steps down and not to and fro.
    """
    line: list[ModelVersion] = []
    for promotion in history:
        if promotion.kind == Promotion.Kind.ROLLBACK and promotion.version in line:
            del line[line.index(promotion.version) + 1 :]
            continue
        if promotion.version in line:
            line.remove(promotion.version)
        line.append(promotion.version)
    return line
