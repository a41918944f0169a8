"""What the registry keeps from being deleted: live versions with all that they came from, and the runs of versions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from registry.models import Alias, Deployment, ModelVersion, Promotion, Slot
from registry.models.versions import label_of
from retention import holds
from retention.holds import Root
from retention.kinds import Act


def live_versions(project: ProjectRef) -> Iterator[Root]:
    """Versions that hold an environment, serve, are pinned by an alias, or wait for a promotion. Four queries."""
    slots = Slot.objects.filter(environment__project_id=project.id, version__isnull=False)
    for uuid, model, number, where in slots.values_list(*_OF_VERSION, "environment__name"):
        yield _root(uuid, f"{label_of(model, number)} holds {where}")
    served = Deployment.objects.filter(project_id=project.id, ended_at=None)
    for uuid, model, number, where, target in served.values_list(*_OF_VERSION, "environment__name", "target"):
        yield _root(uuid, f"{label_of(model, number)} is deployed at {target} ({where})")
    aliases = Alias.objects.filter(model__project_id=project.id)
    for uuid, model, number, alias in aliases.values_list(*_OF_VERSION, "name"):
        yield _root(uuid, f"{label_of(model, number)} is @{alias}")
    waiting = Promotion.objects.filter(project_id=project.id, decision=Promotion.Decision.WAITING)
    for uuid, model, number, where in waiting.values_list(*_OF_VERSION, "environment__name"):
        yield _root(uuid, f"{label_of(model, number)} waits for its promotion to {where}")


_OF_VERSION = ("version__uuid", "version__model__name", "version__number")


def _root(uuid: UUID, why: str) -> Root:
    return Root("model_version", uuid.hex, why)


def versions_of_runs(project: ProjectRef, keys: Sequence[str], act: Act) -> Mapping[str, Sequence[str]]:
    """A run is kept while a version of it is: deleted after its versions are, purged after they are."""
    versions = _kept(project, act).filter(run__uuid__in=[UUID(hex=key) for key in keys])
    return _words(versions.values_list("run__uuid", "model__name", "number").order_by("pk"))


def versions_of_experiments(project: ProjectRef, keys: Sequence[str], act: Act) -> Mapping[str, Sequence[str]]:
    versions = _kept(project, act).filter(run__experiment__uuid__in=[UUID(hex=key) for key in keys])
    return _words(versions.values_list("run__experiment__uuid", "model__name", "number").order_by("pk"))


def _kept(project: ProjectRef, act: Act) -> QuerySet[ModelVersion]:
    versions = ModelVersion.objects.filter(model__project_id=project.id)
    if act is Act.PURGE:
        return versions.filter(purged_at=None)
    return versions.filter(deleted_at=None, model__deleted_at=None)


def _words(rows: Iterable[tuple[UUID, str, int]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for uuid, model, number in rows:
        if len(found[uuid.hex]) < holds.MOST_WHYS:
            found[uuid.hex].append(f"{label_of(model, number)} was registered from it")
    return found


holds.register_roots(live_versions)
holds.register_direct("run", versions_of_runs)
holds.register_direct("experiment", versions_of_experiments)
