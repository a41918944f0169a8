"""Reads of promotions and receipts."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from core.errors import NotFound
from registry.errors import ReceiptMissing
from registry.models import ModelVersion, Promotion, Receipt

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
