"""Versions and models as things that can be put away: how they are named, found, measured, and acted upon."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from core.access import Permission, Principal, ProjectRef
from registry import selectors
from registry.errors import ModelMissing, VersionMissing
from registry.models import ManifestFile, Model, ModelVersion
from registry.services import lifecycle
from retention import kinds
from retention.holds import Holds
from retention.kinds import Act, Expired, Item, Kind

BATCH = 500  # keys in one query


def resolve_versions(project: ProjectRef, names: Sequence[str]) -> list[str]:
    """`model/3`, or `model@sha256:…`. One query for 500 models, and for each 500 versions of one."""
    named = [_model_and_ref(name) for name in names]
    models = _models_called(project, [model for model, _ in named])
    refs: dict[str, list[str]] = defaultdict(list)
    for model, ref in named:
        refs[model].append(ref)
    known = {name: selectors.find_versions(model=models[name], refs=some) for name, some in refs.items()}
    for model, ref in named:
        if ref not in known[model]:
            raise VersionMissing(model, ref[:80])
    return list(dict.fromkeys(known[model][ref].uuid.hex for model, ref in named))


def _model_and_ref(name: str) -> tuple[str, str]:
    model, _, ref = name.rpartition("@" if "@sha256:" in name else "/")
    if not model:
        raise VersionMissing(name[:80], "")
    return model, ref


def _models_called(project: ProjectRef, names: Sequence[str]) -> Mapping[str, Model]:
    """Raises ModelMissing."""
    found = selectors.find_models(project=project, names=list(dict.fromkeys(names)))
    for name in names:
        if name not in found:
            raise ModelMissing(name[:80])
    return found


def version_items(project: ProjectRef, keys: Sequence[str], measured: bool) -> Mapping[str, Item]:
    """One query for each 500, and one more where they are `measured`."""
    found: dict[str, Item] = {}
    for start in range(0, len(keys), BATCH):
        rows = list(_versions(project, keys[start : start + BATCH]).select_related("model"))
        files = ManifestFile.objects.filter(version__in=rows).values_list("version_id").annotate(Sum("blob__size"))
        sizes = dict(files) if measured else {}
        for row in rows:
            found[row.uuid.hex] = Item(
                key=row.uuid.hex,
                name=f"{row.model.name}/{row.number}",
                label=row.label,
                state=_state_of_version(row),
                creator=row.created_by_id,
                bytes=sizes.get(row.pk, 0),
            )
    return found


def _state_of_version(version: ModelVersion) -> str:
    return version.standing if version.standing in {"deleted", "purged"} else "active"


def version_line(project: ProjectRef, keys: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    return {key: [("model_version", key)] for key in keys}


def expired_versions(before: datetime, after: int, most: int) -> list[Expired]:
    """Deleted by themselves, or with their model: one of very many versions goes when they have gone."""
    rows = ModelVersion.objects.filter(purged_at=None, pk__gt=after).order_by("pk")
    models = Model.objects.filter(deleted_at__lt=before, purged_at=None)
    found: set[Expired] = set()
    for binned in (rows.filter(deleted_at__lt=before), rows.filter(model__in=models)):  # one query would use no index
        for pk, project, uuid in binned.values_list("pk", "model__project_id", "uuid")[:most]:
            found.add(Expired(pk, project, uuid.hex))
    return sorted(found)[:most]


def resolve_models(project: ProjectRef, names: Sequence[str]) -> list[str]:
    found = _models_called(project, names)
    return list(dict.fromkeys(found[name].uuid.hex for name in names))


def model_items(project: ProjectRef, keys: Sequence[str], measured: bool) -> Mapping[str, Item]:
    rows = list(_models(project, keys).annotate(count=Count("versions")))
    files = ManifestFile.objects.filter(version__model__in=rows).values_list("version__model_id")
    sizes = dict(files.annotate(Sum("blob__size"))) if measured else {}
    return {
        row.uuid.hex: Item(
            key=row.uuid.hex,
            name=row.name,
            label=f"{row.name} ({row.count} versions)",
            state=_state_of_model(row),
            creator=row.created_by_id,
            bytes=sizes.get(row.pk, 0),
        )
        for row in rows
    }


def _state_of_model(model: Model) -> str:
    if model.purged_at is not None:
        return "purged"
    return "deleted" if model.deleted_at is not None else "active"


def model_line(project: ProjectRef, keys: Sequence[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """All its versions."""
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in keys}
    versions = ModelVersion.objects.filter(model__in=_models(project, keys).values("pk"), purged_at=None)
    for model, version in versions.values_list("model__uuid", "uuid"):
        found[model.hex].append(("model_version", version.hex))
    return found


def expired_models(before: datetime, after: int, most: int) -> list[Expired]:
    rows = Model.objects.filter(deleted_at__lt=before, purged_at=None, pk__gt=after).order_by("pk")
    return [Expired(pk, project, uuid.hex) for pk, project, uuid in rows.values_list("pk", "project_id", "uuid")[:most]]


def _versions(project: ProjectRef, keys: Sequence[str]) -> QuerySet[ModelVersion]:
    return ModelVersion.objects.filter(model__project_id=project.id, uuid__in=[UUID(hex=key) for key in keys])


def _models(project: ProjectRef, keys: Sequence[str]) -> QuerySet[Model]:
    return Model.objects.filter(project_id=project.id, uuid__in=[UUID(hex=key) for key in keys])


def _on_version(service: Callable[..., ModelVersion], *, guarded: bool) -> kinds.Perform:
    def perform(*, project: Any, key: str, actor: Principal, reason: str, holds: Holds | None) -> bool:
        version = _versions(project, [key]).select_related("model__project").get()
        more = {"holds": holds} if guarded else {}
        after = service(version=version, actor=actor, reason=reason, **more)
        return (after.deleted_at, after.purged_at) != (version.deleted_at, version.purged_at)

    return perform


def _on_model(service: Callable[..., Model], *, guarded: bool) -> kinds.Perform:
    def perform(*, project: Any, key: str, actor: Principal, reason: str, holds: Holds | None) -> bool:
        model = _models(project, [key]).select_related("project").get()
        more = {"holds": holds} if guarded else {}
        return _state_of_model(service(model=model, actor=actor, reason=reason, **more)) != _state_of_model(model)

    return perform


# A version stands on its model, and goes before it.
kinds.register(
    Kind(
        name="model",
        resolve=resolve_models,
        items=model_items,
        line=model_line,
        perform={
            Act.DELETE: _on_model(lifecycle.delete_model, guarded=True),
            Act.RESTORE: _on_model(lifecycle.restore_model, guarded=False),
            Act.PURGE: _on_model(lifecycle.purge_model, guarded=True),
        },
        own=Permission.RUN_DELETE,
        others=Permission.RUN_DELETE,
        expired=expired_models,
    )
)
kinds.register(
    Kind(
        name="model_version",
        resolve=resolve_versions,
        items=version_items,
        line=version_line,
        perform={
            Act.DELETE: _on_version(lifecycle.delete_version, guarded=True),
            Act.RESTORE: _on_version(lifecycle.restore_version, guarded=False),
            Act.PURGE: _on_version(lifecycle.purge_version, guarded=True),
        },
        own=Permission.MODEL_WRITE,
        others=Permission.RUN_DELETE,
        expired=expired_versions,
    )
)
