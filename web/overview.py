"""What the overview shows, across all projects that the reader may see. A few queries, whatever their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Case, Count, Model, QuerySet, When

from core.access import Principal, visible_project_ids
from monitoring.models import Alert, Monitor
from registry.models import Promotion, Slot
from registry.selectors import wants_word_of
from tracking.models import Run
from web.promotions import PromotionRow, promotion_rows

PRODUCTION = "production"
SHOWN_RUNS = 12
SHOWN_WAITING = 50
SHOWN_MODELS = 200
SHOWN_ALERTS = 12
MOST_COUNTED = 1_000  # what runs or is open beyond that is said as "1000+"

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class ProductionRow:
    project: str
    model: str
    number: int
    digest: str
    since: datetime | None
    by: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Promotions that wait for people: those that the reader's word would move, and the others."""

    mine: Sequence[PromotionRow]
    others: Sequence[PromotionRow]


@dataclass(frozen=True, slots=True)
class Alerts:
    """The open ones, the worst and then the newest first; `count` is of all of them, up to MOST_COUNTED."""

    shown: Sequence[Alert]
    count: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The newest runs, those that still go on first. `running` counts those, up to MOST_COUNTED."""

    shown: Sequence["RunRow"]
    running: int


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    name: str
    experiment: str
    project: str
    status: str
    started_at: datetime
    ended_at: datetime | None

    @property
    def short_id(self) -> str:
        return self.id[:12]


def in_production(viewer: Principal) -> list[ProductionRow]:
    """What holds the environment `production`, by project and model."""
    slots = Slot.objects.filter(environment__name=PRODUCTION, version__isnull=False)
    slots = _visible(slots, viewer, "model__project").select_related("model__project", "version", "promotion")
    held = [
        (slot, slot.version)
        for slot in slots.order_by("model__project__name", "model__name")[:SHOWN_MODELS]
        if slot.version is not None
    ]
    troubled = _troubled([version.pk for _, version in held])
    return [
        ProductionRow(
            project=slot.model.project.name,
            model=slot.model.name,
            number=version.number,
            digest=version.digest,
            since=slot.since,
            by=slot.promotion.requested_by if slot.promotion else "",
            alerts=troubled.get(version.pk, 0),
        )
        for slot, version in held
    ]


def _troubled(versions: Sequence[int]) -> dict[int, int]:
    """How many alerts are open about each in production; those without any are left out."""
    open_ones = Alert.objects.exclude(state=Alert.State.CLOSED).filter(
        monitor__version__in=versions, monitor__environment__name=PRODUCTION
    )
    return dict(open_ones.order_by().values_list("monitor__version").annotate(Count("id")))


def waiting_promotions(viewer: Principal) -> Waiting:
    """The oldest that wait. Whoever has signed already is asked no more."""
    waiting = Promotion.objects.filter(decision=Promotion.Decision.WAITING)
    waiting = _visible(waiting, viewer, "project").select_related(
        "project", "model", "version__run", "environment", "previous"
    )
    found = list(waiting.prefetch_related("approvals").order_by("id")[:SHOWN_WAITING])
    mine = [each for each in found if wants_word_of(each, viewer)]
    return Waiting(promotion_rows(mine), promotion_rows(each for each in found if each not in mine))


def open_alerts(viewer: Principal) -> Alerts:
    alerts = _visible(Alert.objects.exclude(state=Alert.State.CLOSED), viewer, "project")
    worst_first = Case(When(severity=Monitor.Severity.CRITICAL, then=0), default=1)
    shown = alerts.select_related("project", "monitor__environment", "monitor__version__model")
    return Alerts(list(shown.order_by(worst_first, "-id")[:SHOWN_ALERTS]), alerts[:MOST_COUNTED].count())


def recent_runs(viewer: Principal) -> Runs:
    """At most four queries, none of which reads more than MOST_COUNTED rows of a store where the reader's projects are busy."""
    active = Run.objects.filter(lifecycle=Run.Lifecycle.ACTIVE)
    allowed = visible_project_ids(viewer)
    going_on = _newest(active.filter(status=Run.Status.RUNNING), allowed)
    others = _newest(active.exclude(status=Run.Status.RUNNING), allowed)
    if len(others) < SHOWN_RUNS and allowed:  # their projects have been quiet for long
        quiet = active.exclude(status=Run.Status.RUNNING).filter(project__in=allowed).order_by("-id")
        others = list(quiet.values_list("id", flat=True)[:SHOWN_RUNS])
    wanted = [*going_on[:SHOWN_RUNS], *others][:SHOWN_RUNS]
    found = Run.objects.select_related("project", "experiment").in_bulk(wanted)
    return Runs([_row(found[each]) for each in wanted if each in found], len(going_on))


def _newest(runs: QuerySet[Run], allowed: set[int] | None) -> list[int]:
    """Ids of the newest that the reader may see, out of MOST_COUNTED. The projects are looked at here and not in the query: a
    database that is asked for them sorts all their runs, where the order of ids lies ready.
    """
    newest = runs.order_by("-id").values_list("id", "project_id")[:MOST_COUNTED]
    return [pk for pk, project in newest if allowed is None or project in allowed]


def _row(run: Run) -> RunRow:
    return RunRow(
        run.uuid.hex, run.name, run.experiment.name, run.project.name, run.status, run.created_at, run.ended_at
    )


def _visible(rows: QuerySet[M], viewer: Principal, project: str) -> QuerySet[M]:
    allowed = visible_project_ids(viewer)
    return rows if allowed is None else rows.filter(**{f"{project}__in": allowed})
