"""Reads of promotions and receipts."""

from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from core.access import Permission, Principal, ProjectRef, can
from core.errors import NotFound
from registry.errors import ReceiptMissing
from registry.gates import approval
from registry.gates.base import Case, Status
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
    """Open promotions that lack a word which `principal` may give, oldest first, at most 500 looked at. Two queries.

    The same rules as `decide_promotion`: not the proposer, not a machine, not who trained or registered the version
    unless the gate allows it, of the role that the gate asks for, and not who has signed on this evidence already.
    """
    role = principal.role_in(project)
    if role is None or principal.kind != "user" or not can(principal, Permission.PROMOTION_APPROVE, project):
        return []
    signed = Approval.objects.filter(
        promotion=OuterRef("pk"), account_id=principal.id, evidence_sha256=OuterRef("evidence_sha256")
    )
    waiting = list_promotions(project=project, state="waiting").exclude(requested_by_id=principal.id)
    waiting = waiting.filter(~Exists(signed)).order_by("id")[:MOST_WAITING]
    return [each for each in waiting if lacks_word_of(each, principal)]


def lacks_word_of(promotion: Promotion, principal: Principal) -> bool:
    """Whether a gate that waits would count the word of `principal`, by the rules of `decide_promotion`.

    Takes for granted that they did not ask for it and have not signed yet.
    """
    role = principal.role_in(promotion.project)
    if role is None:
        return False
    case = cast("Case", SimpleNamespace(version=promotion.version))  # all that the rule looks at
    wanted: list[dict[str, Any]] = [
        gate for gate in promotion.gates if gate["kind"] == "approval" and gate["status"] == Status.WAITING
    ]
    return any(approval.why_not(gate, case, account_id=principal.id, role=role.label) is None for gate in wanted)


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
