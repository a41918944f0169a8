"""Promotions: the list, one with its gates, and a person's word on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from registry.judging import APPROVAL
from registry.models import Approval, Promotion, Receipt
from registry.selectors.promotions import STATES
from web.gates import gate_rows
from web.paging import newest_first
from web.promotions import may_refuse, promotion_rows, wants_approval
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
    "gate_failed": ("bad", "A gate failed. Nothing was promoted."),
    "evidence_missing": ("warn", "Evidence is missing. Nothing was promoted."),
    "holder_differs": ("warn", "Another version holds the environment than the form was shown. Nothing was changed."),
    "frozen": ("bad", "The version may go nowhere as it stands. Nothing was promoted."),
}


@project_page(room="promotions")
def promotion_list(request: PageRequest, project: Project) -> HttpResponse:
    """`mine=1` keeps what the reader may say a word on and has not; `by=me` what they asked for."""
    query = {key: request.GET.get(key, "").strip() for key in ("model", "environment", "state", "mine", "by")}
    mine = selectors.waiting_for(project=project, principal=request.principal)
    promotions = selectors.list_promotions(
        project=project, model=query["model"], environment=query["environment"], state=query["state"]
    )
    if query["mine"]:
        promotions = promotions.filter(pk__in=[promotion.pk for promotion in mine])
    if query["by"] == "me":
        promotions = promotions.filter(requested_by_id=request.principal.id)
    page = newest_first(promotions, request)
    return show(
        request,
        "web/promotion_list.html",
        promotions=promotion_rows(page.rows, mine={promotion.pk for promotion in mine}),
        next_url=page.next_url,
        query=query,
        is_filtered=any(query.values()),
        mine_count=len(mine),
        waiting_count=selectors.list_promotions(project=project, state="waiting").count(),
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
        gates=gate_rows(promotion.gates, promotion.project),
        steps=_steps(promotion),
        wanted=_wanted(promotion),
        approvals=_approvals(promotion),
        receipt=_receipt(promotion),
        place=place_of(promotion.event_id),
        rollback=_rollback_command(promotion),
        may_roll_back=_may_roll_back(promotion, principal),
        may_approve=promotion.is_open and selectors.wants_word_of(promotion, principal),
        may_refuse=promotion.is_open and may_refuse(promotion, principal),
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
    """Why the reader has no say or may only refuse, in words; empty where their approval counts, or nobody is asked."""
    if not promotion.is_open or not wants_approval(promotion) or selectors.wants_word_of(promotion, principal):
        return ""
    if may_refuse(promotion, principal):
        if selectors.has_signed(promotion, principal):
            return "You have approved this promotion on the evidence as it stands. You may still refuse it."
        return "Your approval would not count: the gates ask for other people's. You may refuse it."
    if principal.id == promotion.requested_by_id:
        return "You proposed this promotion, so another person decides on it."
    return "Deciding on promotions takes the role approver or above in this project."


@dataclass(frozen=True, slots=True)
class Step:
    """One station on the way: `tone` is ok, bad, warn, info or idle."""

    name: str
    words: str
    tone: str
    at: datetime | None = None


def _steps(promotion: Promotion) -> list[Step]:
    """Asked, judged, approved, decided: how far it came, in the order of life."""
    statuses = [str(gate["status"]) for gate in promotion.gates if gate["kind"] != APPROVAL]
    passed, bad = statuses.count("pass"), [status for status in statuses if status != "pass"]
    gates = Step("Gates", f"{passed} of {len(statuses)} passed" if statuses else "none to pass", "bad" if bad else "ok")
    steps = [Step("Asked", f"by {promotion.requested_by}", "ok", promotion.requested_at), gates]
    wanted = _wanted(promotion)
    if wanted:
        given, asked = sum(gate["observed"] or 0 for gate in wanted), sum(gate["limit"] or 0 for gate in wanted)
        tone = "ok" if given >= asked else ("info" if promotion.is_open else "idle")
        steps.append(Step("Approvals", f"{given} of {asked} given", tone))
    if promotion.is_open:
        return [*steps, Step("Waiting", "for people; expires", "info", promotion.expires_at)]
    ended = (
        "ok" if promotion.decision in {Decision.PROMOTED, Decision.ALREADY} else _ENDS.get(promotion.decision, "bad")
    )
    words = str(promotion.get_decision_display()).replace("_", " ").lower()
    return [*steps, Step("Decided", words, ended, promotion.finished_at)]


Decision = Promotion.Decision
_ENDS: Mapping[str, str] = {Decision.CANCELLED: "idle", Decision.EXPIRED: "warn", Decision.HOLDER_DIFFERS: "warn"}


def _wanted(promotion: Promotion) -> list[dict[str, Any]]:
    """The gates that ask for people, as they stand."""
    return [gate for gate in promotion.gates if gate["kind"] == APPROVAL]


def _approvals(promotion: Promotion) -> list[tuple[Approval, bool]]:
    """Each with whether it still stands: one that was given on other evidence counts no more."""
    return [
        (approval, approval.evidence_sha256 == promotion.evidence_sha256 or not promotion.is_open)
        for approval in sorted(promotion.approvals.all(), key=lambda each: each.pk)
    ]


def _may_roll_back(promotion: Promotion, principal: Principal) -> bool:
    return (
        promotion.decision == Promotion.Decision.PROMOTED
        and promotion.previous is not None
        and archives.can(principal, Permission.PROMOTION_APPROVE, promotion.project)
    )


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
