"""Promotions: the list, one with its gates, and a person's word on it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import Permission, Principal, can
from core.errors import Conflict, Forbidden, Invalid
from core.problems import status_of, tell_denied
from registry import links, selectors, services
from registry.models import Approval, Promotion, Receipt
from registry.selectors.promotions import STATES
from web.paging import newest_first
from web.promotions import may_decide, promotion_rows, wants_approval
from web.trail import place_of, trail_of
from web.views.base import PageRequest, project_page, show

CANCEL = "cancel"
LONGEST_REASON = 2_000  # characters; the form says the same
ANSWERS = {
    "promoted": ("ok", "Promoted."),
    "already": ("ok", "It was there already."),
    "waiting": ("", "Your word is recorded. The promotion still waits for others."),
    "refused": ("warn", "Refused. Nothing was promoted."),
    "cancelled": ("", "Cancelled. Nothing was promoted."),
    "expired": ("warn", "The promotion had expired; nothing was promoted."),
}


@project_page(room="promotions")
def promotion_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "") for key in ("model", "environment", "state")}
    page = newest_first(selectors.list_promotions(project=project, **query), request)
    return show(
        request,
        "web/promotion_list.html",
        promotions=promotion_rows(page.rows),
        next_url=page.next_url,
        query=query,
        environments=[environment.name for environment in selectors.list_environments(project=project)],
        states=sorted(set(STATES.values())),
    )


@project_page(room="promotions")
def promotion_detail(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    promotion = selectors.get_promotion(project=project, uuid=uuid)
    return _page(request, promotion, answer=request.GET.get("answer", ""))


@project_page(room="promotions", methods=("POST",))
def promotion_decide(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """Approve, refuse or cancel by form. What the server answers stands on the page that follows."""
    promotion = selectors.get_promotion(project=project, uuid=uuid)
    decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "").strip()
    try:
        decided = _decide(promotion, decision, reason, request)
    except (Invalid, Conflict, Forbidden) as error:
        tell_denied(error)
        promotion = selectors.get_promotion(project=project, uuid=uuid)
        return _page(request, promotion, error=error.detail, given_reason=reason, status=status_of(error))
    address = reverse("web:promotion_detail", args=[project.name, uuid])
    return HttpResponseRedirect(f"{address}?answer={decided.decision}")


def _decide(promotion: Promotion, decision: str, reason: str, request: PageRequest) -> Promotion:
    """Raises Invalid, and what the services raise."""
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(f"A decision needs a reason of 1 to {LONGEST_REASON} characters.", field="reason")
    if decision == CANCEL:
        archives.refuse(promotion.project)
        return services.cancel_promotion(promotion=promotion, reason=reason, actor=request.principal)
    if decision not in Approval.Decision.values:
        raise Invalid("A decision is one of approve, refuse and cancel.", field="decision")
    archives.require(request.principal, Permission.PROMOTION_APPROVE, promotion.project)
    return services.decide_promotion(
        promotion=promotion,
        decision=decision,
        reason=reason,
        actor=request.principal,
        digest=request.POST.get("digest") or None,
    )


def _page(
    request: PageRequest,
    promotion: Promotion,
    *,
    answer: str = "",
    error: str = "",
    given_reason: str = "",
    status: int = 200,
) -> HttpResponse:
    tone, words = ANSWERS.get(answer, ("", "")) if answer == promotion.decision else ("", "")
    principal = request.principal
    return show(
        request,
        "web/promotion_detail.html",
        status=status,
        promotion=promotion,
        model=promotion.model.name,
        version=promotion.version,
        environment=promotion.environment.name,
        policy=promotion.policy_revision,
        gates=[_gate(gate, promotion.project) for gate in promotion.gates],
        approvals=list(promotion.approvals.all()),
        receipt=_receipt(promotion),
        place=place_of(promotion.event_id),
        rollback=_rollback_command(promotion),
        may_decide=promotion.is_open and may_decide(promotion, principal),
        may_cancel=promotion.is_open and _may_cancel(promotion, principal),
        why_not=_why_not(promotion, principal),
        answer=words,
        answer_tone=tone,
        error=error,
        given_reason=given_reason,
        entries=trail_of(project=promotion.project, type="promotion", id=str(promotion.uuid), viewer=principal),
    )


def _may_cancel(promotion: Promotion, principal: Principal) -> bool:
    is_own = principal.id == promotion.requested_by_id
    may = is_own or can(principal, Permission.PROMOTION_APPROVE, promotion.project)
    return may and not promotion.project.is_archived


def _why_not(promotion: Promotion, principal: Principal) -> str:
    """Why the reader has no say, in words; empty where they have one, or nobody is asked."""
    if not promotion.is_open or not wants_approval(promotion) or may_decide(promotion, principal):
        return ""
    if principal.id == promotion.requested_by_id:
        return "You proposed this promotion, so another person decides on it."
    return "Deciding on promotions takes the role approver or above in this project."


def _gate(gate: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """A gate's finding as it was recorded, its evidence with links where there are pages of it."""
    evidence = [_evidence(str(item), project) for item in gate.get("evidence", [])]
    return {**gate, "evidence": evidence, "expr": gate.get("expr", "")}


RUN_EVIDENCE = re.compile(r"run:([0-9a-f]{32})(/.*)?")


def _evidence(text: str, project: Project) -> dict[str, str]:
    run = RUN_EVIDENCE.fullmatch(text)
    if run:
        address = reverse("web:run_detail", args=[project.name, run[1]])
        return {"text": f"run {run[1][:12]}{run[2] or ''}", "url": f"{address}#metrics"}
    return {"digest": text} if text.startswith(("sha256:", "git:")) else {"text": text}


def _receipt(promotion: Promotion) -> dict[str, str] | None:
    receipt: Receipt | None = getattr(promotion, "receipt", None)
    return {"url": links.receipt_route(receipt), "sha256": receipt.sha256} if receipt else None


def _rollback_command(promotion: Promotion) -> str:
    """What would undo it, for a promotion that replaced something."""
    if promotion.decision != Promotion.Decision.PROMOTED or promotion.previous is None:
        return ""
    words: Sequence[str] = (
        "lineal rollback",
        promotion.model.name,
        "--env",
        promotion.environment.name,
        "--to",
        promotion.previous.digest,
        "--reason …",
    )
    return " ".join(words)
