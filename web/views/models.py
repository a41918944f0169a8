"""Models of a project: the list, and one with its versions, environments and names."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.http import HttpResponse

from accounts.models import Project
from registry import selectors
from registry.models import Model, ModelVersion, Slot
from registry.selectors.aliases import AliasView
from web.paging import by_name, newest_first
from web.promotions import promotion_rows
from web.trail import trail_of
from web.views.base import PageRequest, project_page, show

SHOWN_PROMOTIONS = 10


@dataclass(frozen=True, slots=True)
class SlotRow:
    """What an environment holds; `number` is None where it is empty."""

    environment: str
    protected: bool
    policy: str
    number: int | None = None
    digest: str = ""
    since: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    model: Model
    newest: ModelVersion | None
    slots: Sequence[SlotRow]


@project_page(room="models")
def model_list(request: PageRequest, project: Project) -> HttpResponse:
    page = by_name(selectors.list_models(project=project), request)
    return show(request, "web/model_list.html", models=_rows(page.rows), next_url=page.next_url)


def _rows(models: Sequence[Model]) -> list[ModelRow]:
    """Two queries for the whole page."""
    newest = {
        version.model_id: version
        for version in ModelVersion.objects.filter(model__in=models, number=F("model__last_number"))
    }
    slots: dict[int, list[SlotRow]] = defaultdict(list)
    held = Slot.objects.filter(model__in=models, version__isnull=False).select_related(
        "version", "environment__policy", "promotion"
    )
    for slot in held.order_by("environment__position", "environment__name"):
        slots[slot.model_id].append(slot_row(slot))
    return [ModelRow(model, newest.get(model.id), slots[model.id]) for model in models]


def slot_row(slot: Slot) -> SlotRow:
    environment, version = slot.environment, slot.version
    policy = environment.policy.name if environment.policy else ""
    if version is None:
        return SlotRow(environment.name, environment.protected, policy)
    by = slot.promotion.requested_by if slot.promotion else ""
    return SlotRow(environment.name, environment.protected, policy, version.number, version.digest, slot.since, by)


@project_page(room="models")
def model_detail(request: PageRequest, project: Project, name: str) -> HttpResponse:
    model = selectors.get_model(project=project, name=name)
    page = newest_first(selectors.list_versions(model=model), request, field="number")
    aliases = selectors.list_aliases(model=model)
    promotions = selectors.list_promotions(project=project, model=model.name)[:SHOWN_PROMOTIONS]
    return show(
        request,
        "web/model_detail.html",
        model=model,
        slots=[slot_row(slot) for slot in selectors.list_slots(model=model)],
        versions=[version_row(version, aliases) for version in page.rows],
        next_url=page.next_url,
        aliases=[alias for alias in aliases if not alias.is_environment],
        promotions=promotion_rows(promotions),
        entries=trail_of(project=project, type="model", id=str(model.uuid), viewer=request.principal),
    )


@dataclass(frozen=True, slots=True)
class VersionRow:
    number: int
    digest: str
    lifecycle: str
    run: str
    created_at: datetime
    created_by: str
    environments: Sequence[str]
    aliases: Sequence[str]


def version_row(version: ModelVersion, names: Sequence[AliasView]) -> VersionRow:
    own = [view for view in names if view.version.pk == version.pk]
    return VersionRow(
        number=version.number,
        digest=version.digest,
        lifecycle=version.standing,
        run=version.run.uuid.hex,
        created_at=version.created_at,
        created_by=version.created_by,
        environments=[view.name for view in own if view.is_environment],
        aliases=[view.name for view in own if not view.is_environment],
    )
