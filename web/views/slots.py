"""One environment of a model: what holds it, what its policy asks for, all that held it before, and the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import NotAllowed, Permission
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.problems import status_of
from registry import selectors, services
from registry.judging import NOBODY
from registry.models import Environment, Model, ModelVersion, Promotion
from web.deployments import deployment_rows
from web.model_rows import slot_rows
from web.paging import newest_first
from web.promotions import promotion_rows
from web.serving import approvers_of
from web.views.base import PageRequest, project_page, show

LONGEST_REASON = 2_000  # characters; the form says the same
MOST_HISTORY = 500  # past holders looked at for the way back
SHOWN_DEPLOYMENTS = 20


@dataclass(frozen=True, slots=True)
class Stay:
    """One version's time in the environment; `ended_at` is None for the one that is there."""

    promotion: UUID
    number: int
    digest: str
    since: datetime | None
    ended_at: datetime | None
    by: str
    approved_by: Sequence[str]
    reason: str
    is_rollback: bool


@project_page(room="models")
def slot_detail(request: PageRequest, project: Project, name: str, environment: str) -> HttpResponse:
    return _page(request, project, *_find(project, name, environment))


@project_page(room="models", methods=("POST",), permission=Permission.PROMOTION_APPROVE)
def slot_roll_back(request: PageRequest, project: Project, name: str, environment: str) -> HttpResponse:
    """Roll back by form, if what the form was shown still holds the environment; on to the promotion that it is."""
    model, place = _find(project, name, environment)
    try:
        promotion, _ = services.roll_back(
            model=model,
            environment=place,
            actor=request.principal,
            reason=_reason(request),
            to=request.POST.get("to", "").strip() or None,
            expect_current=request.POST.get("expect_current", "").strip() or NOBODY,
        )
    except NotAllowed:
        raise
    except (Invalid, Conflict, Forbidden, NotFound) as error:
        return _page(request, project, model, place, error=error.detail, status=status_of(error))
    address = reverse("web:promotion_detail", args=[project.name, promotion.uuid])
    return HttpResponseRedirect(f"{address}?answer={promotion.decision}")


def _find(project: Project, name: str, environment: str) -> tuple[Model, Environment]:
    """Raises ModelMissing, EnvironmentMissing."""
    model = selectors.get_model(project=project, name=name)
    return model, selectors.get_environment(project=project, name=environment)


def _reason(request: PageRequest) -> str:
    """Raises Invalid, also where the person has not said that it is meant."""
    reason = request.POST.get("reason", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(f"A rollback needs a reason of 1 to {LONGEST_REASON} characters.", field="reason")
    if request.POST.get("confirm") != "yes":
        raise Invalid("Say that you mean it: tick the box above the button.", field="confirm")
    return reason


def _page(
    request: PageRequest,
    project: Project,
    model: Model,
    environment: Environment,
    *,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    slots = [slot for slot in selectors.list_slots(model=model) if slot.environment_id == environment.pk]
    history = list(
        selectors.slot_history(model=model, environment=environment).prefetch_related("approvals")[:MOST_HISTORY]
    )
    asked = selectors.list_promotions(project=project, model=model.name, environment=environment.name)
    page = newest_first(asked, request, size=20)
    deployments = selectors.list_deployments(project=project, model=model.name, environment=environment.name)
    may = archives.can(request.principal, Permission.PROMOTION_APPROVE, project)
    return show(
        request,
        "web/slot_detail.html",
        status=status,
        model=model,
        environment=environment,
        slot=slot_rows(model, slots)[0],
        stays=_stays(history),
        promotions=promotion_rows(page.rows),
        next_url=page.next_url,
        deployments=deployment_rows(deployments[:SHOWN_DEPLOYMENTS]),
        targets=_targets(history) if may else [],
        may_roll_back=may,
        error=error,
        given=request.POST,
    )


def _stays(history: Sequence[Promotion]) -> list[Stay]:
    """Newest first: each ends when the next began."""
    ends: list[Any] = [None, *(promotion.finished_at for promotion in history)]
    return [
        Stay(
            promotion=promotion.uuid,
            number=promotion.version.number,
            digest=promotion.version.digest,
            since=promotion.finished_at,
            ended_at=ended_at,
            by=promotion.requested_by,
            approved_by=approvers_of(promotion),
            reason=promotion.reason,
            is_rollback=promotion.kind == Promotion.Kind.ROLLBACK,
        )
        for promotion, ended_at in zip(history, ends, strict=False)
    ]


def _targets(history: Sequence[Promotion]) -> list[ModelVersion]:
    """What it may return to, the last good one first: as `services.roll_back` chooses by itself."""
    line = selectors.good_line(reversed(history))
    return [version for version in reversed(line[:-1]) if version.purged_at is None and not _is_barred(version)]


def _is_barred(version: ModelVersion) -> bool:
    barred = {ModelVersion.Lifecycle.QUARANTINED, ModelVersion.Lifecycle.RETIRED}
    return version.deleted_at is not None or version.lifecycle in barred
