"""What this room's nodes mean to a reader of the line, and which texts name them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from core.access import ProjectRef
from lineage import kinds
from retention import tombstones
from tracking.models import DatasetVersion, EnvironmentLock, Run

_HEX = re.compile(r"[0-9a-f]{32}")


def describe_runs(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """With `purged` (when, by whom, why) where the run is gone."""
    runs = Run.objects.filter(project_id=project.id, uuid__in=_uuids(keys))
    facts = runs.values_list("uuid", "name", "status", "experiment__name", "created_by", "created_at", "lifecycle")
    rows = list(facts)
    gone = [uuid.hex for uuid, *_, lifecycle in rows if lifecycle == Run.Lifecycle.PURGED]
    stones = tombstones.facts_of(project=project, kind="run", keys=gone)
    return {
        uuid.hex: {
            "label": name,
            "url": f"/projects/{project.name}/runs/{uuid.hex}",
            "status": status,
            "experiment": experiment,
            "created_by": created_by,
            "created_at": created_at,
            "lifecycle": lifecycle,
            **({"purged": stones[uuid.hex]} if uuid.hex in stones else {}),
        }
        for uuid, name, status, experiment, created_by, created_at, lifecycle in rows
    }


def describe_datasets(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """Without schema and profile, which may be large."""
    versions = DatasetVersion.objects.filter(dataset__project_id=project.id, uuid__in=_uuids(keys))
    facts = versions.values_list("uuid", "dataset__name", "digest", "strength", "kind", "rows", "uri")
    return {
        uuid.hex: {
            "label": name,
            "url": f"/projects/{project.name}/data/{name}",
            "digest": digest,
            "strength": strength,
            "kind_of_data": kind,
            "rows": rows,
            "uri": uri,
        }
        for uuid, name, digest, strength, kind, rows, uri in facts
    }


def describe_commits(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    """A commit id is a digest of content; code with uncommitted changes is only as good as what was declared."""
    runs = Run.objects.filter(project_id=project.id, code_commit__in=keys)
    facts = runs.values_list("code_commit", "code_repository", "code_dirty").distinct()
    described: dict[str, dict[str, Any]] = {}
    for commit, repository, dirty in facts:
        entry = described.setdefault(
            commit, {"label": commit[:12], "digest": f"git:{commit}", "strength": "content", "repository": repository}
        )
        if dirty:
            entry["strength"] = "declared"
    return described


def describe_environments(keys: Sequence[str], project: ProjectRef) -> Mapping[str, Mapping[str, Any]]:
    locks = EnvironmentLock.objects.filter(project_id=project.id, digest__in=keys)
    return {
        lock.digest: {
            "label": lock.python or lock.digest[:19],
            "digest": lock.digest,
            "strength": "content" if _is_of_its_lock(lock) else "declared",
            "platform": lock.platform,
        }
        for lock in locks
    }


def _is_of_its_lock(lock: EnvironmentLock) -> bool:
    """Whether the digest is that of the lock we hold: of its text, or of the text under a line that names the interpreter."""
    texts = (lock.lock, f"{lock.python}\n{lock.lock}")
    return bool(lock.lock) and lock.digest in {f"sha256:{sha256(text.encode()).hexdigest()}" for text in texts}


def resolve_run(project: ProjectRef, rest: str) -> Iterable[str]:
    found = _uuids([rest])
    return [
        uuid.hex for uuid in Run.objects.filter(project_id=project.id, uuid__in=found).values_list("uuid", flat=True)
    ]


def resolve_dataset(project: ProjectRef, rest: str) -> Iterable[str]:
    """`name` for all its versions, `name@sha256:…` for one."""
    name, at, digest = rest.rpartition("@sha256:")
    versions = DatasetVersion.objects.filter(dataset__project_id=project.id, dataset__name=name if at else rest)
    if at:
        versions = versions.filter(digest=f"sha256:{digest}")
    return [uuid.hex for uuid in versions.values_list("uuid", flat=True)]


def resolve_digest(project: ProjectRef, rest: str) -> Iterable[str]:
    """The same bytes, under whatever names they are known."""
    versions = DatasetVersion.objects.filter(dataset__project_id=project.id, digest=f"sha256:{rest}")
    return [uuid.hex for uuid in versions.values_list("uuid", flat=True)]


def resolve_commit(project: ProjectRef, rest: str) -> Iterable[str]:
    return list(
        Run.objects.filter(project_id=project.id, code_commit=rest).values_list("code_commit", flat=True).distinct()
    )


def resolve_environment(project: ProjectRef, rest: str) -> Iterable[str]:
    return list(EnvironmentLock.objects.filter(project_id=project.id, digest=rest).values_list("digest", flat=True))


def _uuids(keys: Iterable[str]) -> list[UUID]:
    compact = [key.replace("-", "") for key in keys]
    return [UUID(hex=key) for key in compact if _HEX.fullmatch(key)]


kinds.register(kind="run", describe=describe_runs)
kinds.register(kind="dataset_version", describe=describe_datasets)
kinds.register(kind="code_commit", describe=describe_commits)
kinds.register(kind="environment", describe=describe_environments)
kinds.register_resolver(prefix="run", kind="run", resolve=resolve_run)
kinds.register_resolver(prefix="dataset", kind="dataset_version", resolve=resolve_dataset)
kinds.register_resolver(prefix="sha256", kind="dataset_version", resolve=resolve_digest)
kinds.register_resolver(prefix="git", kind="code_commit", resolve=resolve_commit)
kinds.register_resolver(prefix="environment", kind="environment", resolve=resolve_environment)
