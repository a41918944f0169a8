"""What the overview shows, across all projects that the reader may see. A few queries, whatever their number."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, QuerySet

from core.access import Principal, visible_project_ids
from registry.models import Promotion, Slot
from tracking.models import Run
from web.promotions import PromotionRow, promotion_rows

PRODUCTION = "production"
SHOWN_RUNS = 12
SHOWN_WAITING = 50
SHOWN_MODELS = 200

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class ProductionRow:
    project: str
    model: str
    number: int
    digest: str
    since: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    name: str
    experiment: str
    project: str
    status: str
    started_at: datetime

    @property
    def short_id(self) -> str:
        return self.id[:12]


def in_production(viewer: Principal) -> list[ProductionRow]:
    """What holds the environment `production`, by project and model."""
    slots = Slot.objects.filter(environment__name=PRODUCTION, version__isnull=False)
    slots = _visible(slots, viewer, "model__project").select_related("model__project", "version", "promotion")
    return [
        ProductionRow(
            project=slot.model.project.name,
            model=slot.model.name,
            number=slot.version.number,
            digest=slot.version.digest,
            since=slot.since,
            by=slot.promotion.requested_by if slot.promotion else "",
        )
        for slot in slots.order_by("model__project__name", "model__name")[:SHOWN_MODELS]
        if slot.version is not None
    ]


def waiting_promotions(viewer: Principal) -> list[PromotionRow]:
    """Promotions that wait for people, oldest first."""
    waiting = Promotion.objects.filter(decision=Promotion.Decision.WAITING)
    waiting = _visible(waiting, viewer, "project").select_related(
        "project", "model", "version", "environment", "previous"
    )
    return promotion_rows(waiting.order_by("id")[:SHOWN_WAITING])


def recent_runs(viewer: Principal) -> list[RunRow]:
    """The newest runs, those that still go on first."""
    runs = _visible(Run.objects.filter(lifecycle=Run.Lifecycle.ACTIVE), viewer, "project")
    runs = runs.select_related("project", "experiment").order_by("-id")
    running = list(runs.filter(status=Run.Status.RUNNING)[:SHOWN_RUNS])
    others = list(runs.exclude(status=Run.Status.RUNNING)[: SHOWN_RUNS - len(running)])
    return [
        RunRow(run.uuid.hex, run.name, run.experiment.name, run.project.name, run.status, run.created_at)
        for run in (*running, *others)
    ]


def _visible(rows: QuerySet[M], viewer: Principal, project: str) -> QuerySet[M]:
    allowed = visible_project_ids(viewer)
    return rows if allowed is None else rows.filter(**{f"{project}__in": allowed})
