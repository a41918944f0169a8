"""Models, versions and slots as lists show them, with what each environment holds. A few queries a page, whatever its length."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Project
from registry import selectors
from registry.models import Environment, Model, ModelVersion, PolicyRevision, Promotion, Slot
from registry.selectors.aliases import AliasView
from tracking.models import Series
from web.gates import Asked, asked_by

MOST_COLUMNS = 5  # environments with a column of their own in a list of models
MOST_METRICS = 4  # metrics with a column in a list of versions: those that gates ask about

MODEL_SORTS = {"name": "name", "changed": "changed_at", "versions": "last_number"}
VERSION_SORTS = {"version": "number", "registered": "created_at", "run": "run_id", "state": "lifecycle"}


@dataclass(frozen=True, slots=True)
class SlotRow:
    """What an environment holds of a model; `number` is None where it is empty. `behind` counts newer versions."""

    environment: str
    protected: bool
    policy: str
    number: int | None = None
    digest: str = ""
    since: datetime | None = None
    by: str = ""
    behind: int = 0
    asked: Sequence[Asked] = ()
    waiting: int = 0
    is_rollback: bool = False


@dataclass(frozen=True, slots=True)
class ModelRow:
    """`cells` are the slots of the environments that have a column, in their order; None where nothing is."""

    model: Model
    newest: ModelVersion | None
    cells: Sequence[SlotRow | None]
    others: Sequence[SlotRow]
    waiting: int
    changed_at: datetime


def find_models(*, project: Project, text: str = "", environment: str = "", lifecycle: str = "") -> QuerySet[Model]:
    """Models by what their name or description has, where they are ("nowhere" is one), and the state of the newest
    version; with `changed_at`, when the newest version came.
    """
    newest = ModelVersion.objects.filter(model=OuterRef("pk"), number=OuterRef("last_number"))
    models = selectors.list_models(project=project).annotate(
        changed_at=Coalesce(Subquery(newest.values("created_at")[:1]), F("created_at"))
    )
    if text:
        models = models.filter(Q(name__icontains=text) | Q(description__icontains=text))
    held = Slot.objects.filter(model=OuterRef("pk"), version__isnull=False)
    if environment == "nowhere":
        models = models.filter(~Exists(held))
    elif environment:
        models = models.filter(Exists(held.filter(environment__name=environment)))
    if lifecycle:
        models = models.filter(Exists(newest.filter(lifecycle=lifecycle)))
    return models


def model_rows(models: Sequence[Model], environments: Sequence[Environment]) -> list[ModelRow]:
    """Three queries."""
    newest = {
        version.model_id: version
        for version in ModelVersion.objects.filter(model__in=models, number=F("model__last_number"))
    }
    for version in newest.values():
        version.model = next(model for model in models if model.pk == version.model_id)
    held: dict[int, dict[int, Slot]] = defaultdict(dict)
    for slot in _slots(models):
        held[slot.model_id][slot.environment_id] = slot
    waiting: dict[int, int] = defaultdict(int)
    for model_id, _ in _waiting(models):
        waiting[model_id] += 1
    columns, rest = environments[:MOST_COLUMNS], environments[MOST_COLUMNS:]
    rows = []
    for model in models:
        slots = {
            environment_id: slot_row(slot, newest_number=model.last_number)
            for environment_id, slot in held[model.pk].items()
        }
        rows.append(
            ModelRow(
                model=model,
                newest=newest.get(model.pk),
                cells=[slots.get(environment.pk) for environment in columns],
                others=[slots[environment.pk] for environment in rest if environment.pk in slots],
                waiting=waiting[model.pk],
                changed_at=getattr(model, "changed_at", model.created_at),
            )
        )
    return rows


def _slots(models: Sequence[Model]) -> QuerySet[Slot]:
    held = Slot.objects.filter(model__in=models, version__isnull=False)
    return held.select_related("version", "environment__policy", "promotion")


def _waiting(models: Sequence[Model]) -> QuerySet[Promotion, tuple[int, int]]:
    waiting = Promotion.objects.filter(model__in=models, decision=Promotion.Decision.WAITING)
    return waiting.values_list("model_id", "environment_id")


def slot_row(
    slot: Slot, *, newest_number: int = 0, revisions: Mapping[int, PolicyRevision] | None = None, waiting: int = 0
) -> SlotRow:
    environment, version = slot.environment, slot.version
    revision = (revisions or {}).get(environment.policy_id or 0)
    policy = environment.policy.name if environment.policy else ""
    asked = asked_by(revision)
    if version is None:
        return SlotRow(environment.name, environment.protected, policy, asked=asked, waiting=waiting)
    return SlotRow(
        environment.name,
        environment.protected,
        policy,
        version.number,
        version.digest,
        slot.since,
        slot.promotion.requested_by if slot.promotion else "",
        max(0, newest_number - version.number),
        asked,
        waiting,
        slot.promotion is not None and slot.promotion.kind == Promotion.Kind.ROLLBACK,
    )


def slot_rows(model: Model, slots: Sequence[Slot]) -> list[SlotRow]:
    """All environments of one model, with what their policies ask for. Two queries."""
    revisions = selectors.revisions_in_force(slot.environment.policy_id for slot in slots if slot.environment.policy_id)
    waiting: dict[int, int] = defaultdict(int)
    for _, environment_id in _waiting([model]):
        waiting[environment_id] += 1
    return [
        slot_row(slot, newest_number=model.last_number, revisions=revisions, waiting=waiting[slot.environment_id])
        for slot in slots
    ]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """`metrics` are last values in the order of the columns; `waiting` names environments that it waits for."""

    number: int
    digest: str
    lifecycle: str
    run: str
    run_name: str
    created_at: datetime
    created_by: str
    environments: Sequence[str]
    aliases: Sequence[str]
    waiting: Sequence[str] = ()
    metrics: Sequence[float | None] = ()


def version_row(
    version: ModelVersion,
    names: Sequence[AliasView],
    *,
    waiting: Sequence[str] = (),
    metrics: Sequence[float | None] = (),
) -> VersionRow:
    own = [view for view in names if view.version.pk == version.pk]
    return VersionRow(
        number=version.number,
        digest=version.digest,
        lifecycle=version.standing,
        run=version.run.uuid.hex,
        run_name=version.run.name,
        created_at=version.created_at,
        created_by=version.created_by,
        environments=[view.name for view in own if view.is_environment],
        aliases=[view.name for view in own if not view.is_environment],
        waiting=waiting,
        metrics=metrics,
    )


def version_rows(
    versions: Sequence[ModelVersion], names: Sequence[AliasView], metrics: Sequence[str]
) -> list[VersionRow]:
    """A page of versions of one model, with the last values of `metrics`. Two queries."""
    runs = [version.run_id for version in versions]
    values = {
        (run_id, key): last
        for run_id, key, last in Series.objects.filter(run__in=runs, key__in=metrics).values_list(
            "run_id", "key", "last"
        )
    }
    waits: dict[int, list[str]] = defaultdict(list)
    waiting = Promotion.objects.filter(version__in=versions, decision=Promotion.Decision.WAITING)
    for version_id, environment in waiting.values_list("version_id", "environment__name"):
        waits[version_id].append(environment)
    return [
        version_row(
            version,
            names,
            waiting=waits[version.pk],
            metrics=[values.get((version.run_id, key)) for key in metrics],
        )
        for version in versions
    ]
