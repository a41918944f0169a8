"""What model versions and deployments are in the lineage graph: how they are shown, and which texts name them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from core import clock
from core.access import ProjectRef
from lineage import kinds
from registry import links
from registry.models import Deployment, ModelVersion
from registry.models.versions import label_of
from registry.selectors import find_version_at
from retention import tombstones

UUID_TEXT = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
BATCH = 500  # keys in one query: SQLite takes some thousand parameters


def describe_versions(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """By uuid, with `purged` (when, by whom, why) where the version is gone. Two queries for each 500."""
    stones = tombstones.facts_of(project=project, kind="model_version", keys=[key.replace("-", "") for key in keys])
    versions = ModelVersion.objects.filter(model__project_id=project.id).values_list(
        "uuid", "model__name", "number", "digest", "lifecycle", "run__uuid", "created_at", "created_by", "deleted_at"
    )
    return {
        uuid.hex: {
            "label": label_of(model, number),
            "url": links.version_page_of(project.name, model, number),
            "digest": digest,
            "model": model,
            "number": number,
            "lifecycle": lifecycle,
            "run": run.hex,
            "created_at": clock.text(created_at),
            "created_by": created_by,
            "deleted_at": clock.text(deleted_at) if deleted_at else None,
            **({"purged": stones[uuid.hex]} if uuid.hex in stones else {}),
        }
        for some in _batches(keys)
        for uuid, model, number, digest, lifecycle, run, created_at, created_by, deleted_at in versions.filter(
            uuid__in=some
        )
    }


def describe_deployments(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """By uuid. One query for each 500."""
    deployments = Deployment.objects.filter(project_id=project.id).values_list(
        "uuid",
        "version__model__name",
        "version__number",
        "version__digest",
        "environment__name",
        "target",
        "started_at",
        "ended_at",
    )
    return {
        str(uuid): {
            "label": f"{label_of(model, number)} at {target}",
            "url": links.version_page_of(project.name, model, number),
            "digest": digest,
            "model": model,
            "number": number,
            "environment": environment,
            "target": target,
            "started_at": clock.text(started_at),
            "ended_at": clock.text(ended_at) if ended_at else None,
        }
        for some in _batches(keys)
        for uuid, model, number, digest, environment, target, started_at, ended_at in deployments.filter(uuid__in=some)
    }


def resolve_model(project: ProjectRef, text: str) -> Iterable[str]:
    """`name`, `name/number`, `name@environment`, `name@alias` or `name@sha256:…`."""
    name, at, pointer = text.partition("@")
    slash_name, slash, number = name.rpartition("/")
    versions = ModelVersion.objects.select_related("model").filter(model__project_id=project.id)
    if slash:
        usable = number.isascii() and number.isdecimal() and len(number) < 10
        versions = versions.filter(model__name=slash_name, number=int(number)) if usable else versions.none()
        return [version.uuid.hex for version in versions]
    versions = versions.filter(model__name=name)
    if not at:
        return [version.uuid.hex for version in versions]
    if pointer.startswith("sha256:"):
        return [version.uuid.hex for version in versions.filter(digest=pointer)]
    newest = versions.order_by("-number").first()
    pointed = find_version_at(model=newest.model, name=pointer) if newest is not None else None
    return [pointed.uuid.hex] if pointed is not None else []


def resolve_digest(project: ProjectRef, text: str) -> Iterable[str]:
    """Versions with this manifest digest."""
    versions = ModelVersion.objects.filter(model__project_id=project.id, digest=f"sha256:{text}")
    return [uuid.hex for uuid in versions.values_list("uuid", flat=True)]


def resolve_deployment(project: ProjectRef, text: str) -> Iterable[str]:
    """One deployment by its id."""
    if not UUID_TEXT.fullmatch(text):
        return []
    found = Deployment.objects.filter(project_id=project.id, uuid=UUID(text)).values_list("uuid", flat=True)
    return [str(uuid) for uuid in found]


def _batches(keys: Iterable[str]) -> Iterator[list[UUID]]:
    """The keys that can be ours, a query's worth at a time."""
    uuids = [UUID(key) for key in keys if UUID_TEXT.fullmatch(key)]
    return (uuids[start : start + BATCH] for start in range(0, len(uuids), BATCH))


kinds.register(kind="model_version", describe=describe_versions)
kinds.register(kind="deployment", describe=describe_deployments)
kinds.register_resolver(prefix="model", kind="model_version", resolve=resolve_model)
kinds.register_resolver(prefix="sha256", kind="model_version", resolve=resolve_digest)
kinds.register_resolver(prefix="deployment", kind="deployment", resolve=resolve_deployment)
