"""Runs and experiments as things that can be put away: how they are named, found, measured, and acted upon."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Sum
from django.db.models.functions import Length

from core.access import Permission, Principal, ProjectRef
from core.ids import parse_run_id
from core.time_limits import time_limit
from retention import kinds
from retention.holds import Holds
from retention.kinds import Act, Expired, Item, Kind
from tracking import services
from tracking.errors import ExperimentNotFound, RunNotFound
from tracking.models import Artifact, Batch, Chunk, Experiment, Run, Series
from tracking.search.errors import SearchTooSlow
from tracking.search.selection import select

BATCH = 500  # keys in one query


def resolve_runs(project: ProjectRef, names: Sequence[str]) -> list[str]:
    ids = [parse_run_id(name) for name in names]
    known = {run.hex for run in _in_batches(lambda some: _runs(project, some).values_list("uuid", flat=True), ids)}
    for id_ in ids:
        if id_.hex not in known:
            raise RunNotFound(id_)
    return list(dict.fromkeys(id_.hex for id_ in ids))


def search_runs(project: ProjectRef, query: Mapping[str, Any], most: int) -> list[str]:
    """Oldest first, at most `most`. Raises as `tracking.search.search_runs` does."""
    with time_limit(settings.SLOW_READ_S, SearchTooSlow) as deadline:
        selection = select(
            project=project,
            filter=query.get("filter") or "",
            experiments=query.get("experiments"),
            lifecycle=query["lifecycle"],
            deadline=deadline,
        )
        return [uuid.hex for uuid in selection.runs().order_by("id").values_list("uuid", flat=True)[:most]]


def run_items(project: ProjectRef, keys: Sequence[str], measured: bool) -> Mapping[str, Item]:
    """Two queries for each 500, and three more where they are `measured`."""
    found: dict[str, Item] = {}
    for start in range(0, len(keys), BATCH):
        rows = list(_runs(project, [UUID(hex=key) for key in keys[start : start + BATCH]]).select_related("experiment"))
        points, sizes = _measures([row.pk for row in rows]) if measured else ({}, {})
        for row in rows:
            found[row.uuid.hex] = Item(
                key=row.uuid.hex,
                name=row.uuid.hex,
                label=f"{row.uuid.hex} {row.name}",
                state=_state_of_run(row),
                creator=row.created_by_id,
                points=points.get(row.pk, 0),
                bytes=sizes.get(row.pk, 0),
            )
    return found


def _state_of_run(run: Run) -> str:
    """A purged experiment spoke for all its runs, though a job has yet to come to this one."""
    return Run.Lifecycle.PURGED if run.experiment.purged_at is not None else run.lifecycle


def _measures(run_ids: Sequence[int]) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Points, and bytes of packed points and of files, by run."""
    points = dict(Series.objects.filter(run__in=run_ids).values_list("run_id").annotate(Sum("count")))
    sizes: dict[int, int] = defaultdict(int)
    for table in (Batch, Chunk):
        for run_id, size in (
            table.objects.filter(run__in=run_ids).values_list("run_id").annotate(size=Sum(Length("payload")))
        ):
            sizes[run_id] += size or 0
    for run_id, size in Artifact.objects.filter(run__in=run_ids).values_list("run_id").annotate(Sum("blob__size")):
        sizes[run_id] += size or 0
    return points, sizes


def run_line(project: ProjectRef, keys: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    return {key: [("run", key)] for key in keys}


def expired_runs(before: datetime, after: int, most: int) -> list[Expired]:
    rows = Run.objects.filter(lifecycle=Run.Lifecycle.DELETED, deleted_at__lt=before, pk__gt=after).order_by("pk")
    return [Expired(pk, project, uuid.hex) for pk, project, uuid in rows.values_list("pk", "project_id", "uuid")[:most]]


def resolve_experiments(project: ProjectRef, names: Sequence[str]) -> list[str]:
    rows = _in_batches(lambda some: Experiment.objects.filter(project_id=project.id, name__in=some), names)
    known = {row.name: row.uuid.hex for row in rows}
    for name in names:
        if name not in known:
            raise ExperimentNotFound(name)
    return list(dict.fromkeys(known[name] for name in names))


def experiment_items(project: ProjectRef, keys: Sequence[str], measured: bool) -> Mapping[str, Item]:
    """`points` are those of all its runs; `bytes` are not summed, a run's plan has them."""
    rows = list(_in_batches(lambda some: _experiments(project, some), keys))
    counted = Series.objects.filter(experiment__in=[row.pk for row in rows]).values_list("experiment_id")
    points = dict(counted.annotate(Sum("count"))) if measured else {}
    runs = dict(Run.objects.filter(experiment__in=rows).values_list("experiment_id").annotate(Count("id")))
    return {
        row.uuid.hex: Item(
            key=row.uuid.hex,
            name=row.name,
            label=f"{row.name} ({runs.get(row.pk, 0)} runs)",
            state=_state_of(row),
            creator=UUID(int=0),
            points=points.get(row.pk, 0),
        )
        for row in rows
    }


def _state_of(experiment: Experiment) -> str:
    if experiment.purged_at is not None:
        return "purged"
    return "deleted" if experiment.is_deleted else "active"


def experiment_line(project: ProjectRef, keys: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """All its runs."""
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in keys}
    runs = Run.objects.filter(experiment__in=_experiments(project, keys).values("pk"))
    for experiment, run in runs.exclude(lifecycle=Run.Lifecycle.PURGED).values_list("experiment__uuid", "uuid"):
        found[experiment.hex].append(("run", run.hex))
    return found


def expired_experiments(before: datetime, after: int, most: int) -> list[Expired]:
    rows = Experiment.objects.filter(deleted_at__lt=before, purged_at=None, pk__gt=after).order_by("pk")
    return [Expired(pk, project, uuid.hex) for pk, project, uuid in rows.values_list("pk", "project_id", "uuid")[:most]]


def _runs(project: ProjectRef, ids: Sequence[UUID]) -> Any:
    return Run.objects.filter(project_id=project.id, uuid__in=ids)


def _experiments(project: ProjectRef, keys: Sequence[str]) -> Any:
    return Experiment.objects.filter(project_id=project.id, uuid__in=[UUID(hex=key) for key in keys])


def _in_batches(find: Callable[[Sequence[Any]], Iterable[Any]], keys: Sequence[Any]) -> Iterable[Any]:
    for start in range(0, len(keys), BATCH):
        yield from find(keys[start : start + BATCH])


def _on_run(service: Callable[..., Run], *, guarded: bool) -> kinds.Perform:
    def perform(*, project: Any, key: str, actor: Principal, reason: str, holds: Holds | None) -> bool:
        run = Run.objects.select_related("project").get(project_id=project.id, uuid=UUID(hex=key))
        more = {"holds": holds} if guarded else {}
        return service(run=run, actor=actor, reason=reason, **more).lifecycle != run.lifecycle

    return perform


def _on_experiment(service: Callable[..., Experiment], *, guarded: bool) -> kinds.Perform:
    def perform(*, project: Any, key: str, actor: Principal, reason: str, holds: Holds | None) -> bool:
        rows = Experiment.objects.select_related("project")
        experiment = rows.get(project_id=project.id, uuid=UUID(hex=key))
        more = {"holds": holds} if guarded else {}
        return _state_of(service(experiment=experiment, actor=actor, reason=reason, **more)) != _state_of(experiment)

    return perform


kinds.register(
    Kind(
        name="run",
        resolve=resolve_runs,
        search=search_runs,
        items=run_items,
        line=run_line,
        perform={
            Act.ARCHIVE: _on_run(services.archive_run, guarded=False),
            Act.DELETE: _on_run(services.delete_run, guarded=True),
            Act.RESTORE: _on_run(services.restore_run, guarded=False),
            Act.PURGE: _on_run(services.purge_run, guarded=True),
        },
        own=Permission.RUN_WRITE,
        others=Permission.RUN_DELETE,
        expired=expired_runs,
    )
)
kinds.register(
    Kind(
        name="experiment",
        resolve=resolve_experiments,
        items=experiment_items,
        line=experiment_line,
        perform={
            Act.DELETE: _on_experiment(services.delete_experiment, guarded=True),
            Act.RESTORE: _on_experiment(services.restore_experiment, guarded=False),
            Act.PURGE: _on_experiment(services.purge_experiment, guarded=True),
        },
        own=Permission.RUN_DELETE,
        others=Permission.RUN_DELETE,
        expired=expired_experiments,
    )
)
