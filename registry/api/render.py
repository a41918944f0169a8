"""What the registry's things look like on the wire. Each function has its description for OpenAPI in `schemas`."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from accounts.models import Project
from registry import links, policies, selectors
from registry.models import (
    Alias,
    AliasChange,
    Deployment,
    Environment,
    ManifestFile,
    Model,
    ModelVersion,
    PolicyRevision,
    Promotion,
    Report,
    Slot,
)
from registry.selectors.aliases import AliasTarget, AliasView
from retention import bin as the_bin
from retention import tombstones


def model_out(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "description": model.description,
        "latest_version": model.last_number or None,
        "deleted_at": model.deleted_at,
        "purge_at": the_bin.purged_from(model.deleted_at) if model.purged_at is None else None,
        "purged": _purged(model.project, "model", model) if model.purged_at else None,
        "created_at": model.created_at,
        "created_by": model.created_by,
        "url": f"/projects/{quote(model.project.name)}/models/{quote(model.name, safe='')}",
    }


def _purged(project: Project, kind: str, thing: Model | ModelVersion) -> dict[str, Any] | None:
    stone = tombstones.find(project=project, kind=kind, key=thing.uuid.hex)
    return tombstones.facts(stone) if stone else None


def version_summary_out(version: ModelVersion, names: Sequence[AliasView]) -> dict[str, Any]:
    """`names` are all that point at versions of the model, so that a list costs one look-up."""
    own = [view for view in names if view.version.pk == version.pk]
    seal = version.seal
    return {
        "model": version.model.name,
        "number": version.number,
        "digest": version.digest,
        "lifecycle": version.lifecycle,
        "deleted_at": version.deleted_at or version.model.deleted_at,
        "purge_at": the_bin.purged_from(version.deleted_at) if version.purged_at is None else None,
        "purged": _purged(version.model.project, "model_version", version) if version.purged_at else None,
        "run": version.run.uuid.hex,
        "artifact": version.artifact,
        "seal": {"number": seal.number, "digest": seal.digest} if seal is not None else None,
        "description": version.description,
        "tags": version.tags,
        "aliases": [view.name for view in own if not view.is_environment],
        "environments": [view.name for view in own if view.is_environment],
        "created_at": version.created_at,
        "created_by": version.created_by,
        "url": links.version_page(version),
    }


def version_out(
    version: ModelVersion, names: Sequence[AliasView] | None = None, files: Sequence[ManifestFile] | None = None
) -> dict[str, Any]:
    """With the whole manifest. Three queries, less what is known: two for the names that point at it, one for its `files` in their
    order.
    """
    known = selectors.list_aliases(model=version.model) if names is None else names
    shown = selectors.manifest_files(version) if files is None else files
    return {
        **version_summary_out(version, known),
        "manifest": [manifest_file_out(file) for file in shown],
        "card": version.card,
        "signature": version.signature,
    }


def manifest_file_out(file: ManifestFile) -> dict[str, Any]:
    return {"path": file.path, "size": file.blob.size, "sha256": file.blob.sha256, "state": file.blob.state}


def alias_view_out(view: AliasView) -> dict[str, Any]:
    return {
        "alias": view.name,
        "version": view.version.number,
        "digest": view.version.digest,
        "set_at": view.set_at,
        "set_by": view.set_by,
        "is_environment": view.is_environment,
    }


def alias_out(alias: Alias) -> dict[str, Any]:
    return alias_view_out(AliasView(alias.name, alias.version, alias.set_at, alias.set_by, is_environment=False))


def alias_target_out(target: AliasTarget) -> dict[str, Any]:
    return {
        "alias": target.name,
        "version": target.number,
        "digest": target.digest,
        "lifecycle": target.lifecycle,
        "run": target.run,
        "artifact": target.artifact,
        "description": target.description,
        "tags": target.tags,
        "set_at": target.set_at,
        "set_by": target.set_by,
        "is_environment": target.is_environment,
    }


def alias_change_out(change: AliasChange) -> dict[str, Any]:
    return {
        "alias": change.name,
        "version": change.version.number if change.version else None,
        "digest": change.version.digest if change.version else None,
        "previous": change.previous.number if change.previous else None,
        "previous_digest": change.previous.digest if change.previous else None,
        "at": change.changed_at,
        "by": change.changed_by,
        "reason": change.reason,
    }


def environment_out(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "position": environment.position,
        "protected": environment.protected,
        "policy": environment.policy.name if environment.policy else None,
        "created_at": environment.created_at,
    }


def slot_out(slot: Slot) -> dict[str, Any]:
    version, promotion = slot.version, slot.promotion
    return {
        "environment": slot.environment.name,
        "version": version.number if version else None,
        "digest": version.digest if version else None,
        "since": slot.since,
        "promotion": promotion.uuid if promotion else None,
        "by": promotion.requested_by if promotion else None,
    }


def slot_change_out(promotion: Promotion) -> dict[str, Any]:
    previous = promotion.previous
    return {
        "promotion": promotion.uuid,
        "kind": promotion.kind,
        "version": promotion.version.number,
        "digest": promotion.version.digest,
        "previous": previous.number if previous else None,
        "previous_digest": previous.digest if previous else None,
        "at": promotion.finished_at,
        "by": promotion.requested_by,
        "reason": promotion.reason,
    }


def policy_out(revision: PolicyRevision) -> dict[str, Any]:
    return {
        "name": revision.policy.name,
        "revision": revision.number,
        "sha256": revision.sha256,
        "document": policies.load(revision.text),
        "reason": revision.reason,
        "created_at": revision.created_at,
        "created_by": revision.created_by,
    }


def report_out(report: Report) -> dict[str, Any]:
    version = report.version
    return {
        "id": report.uuid,
        "model": version.model.name,
        "version": version.number,
        "digest": version.digest,
        "name": report.name,
        "kind": report.kind,
        "verdict": report.verdict,
        "tool": report.tool,
        "tool_version": report.tool_version,
        "summary": report.summary,
        "report_url": report.url or None,
        "size": report.size,
        "sha256": report.sha256,
        "observed_at": report.observed_at,
        "created_at": report.created_at,
        "created_by": report.created_by,
        "url": links.version_page(version),
    }


def report_with_document_out(report: Report) -> dict[str, Any]:
    return {**report_out(report), "document": selectors.report_document(report).decode()}


def deployment_out(deployment: Deployment, holders: Mapping[tuple[int, int], str]) -> dict[str, Any]:
    """`holders` are the promoted digests by (model id, environment id)."""
    version = deployment.version
    promoted = holders.get((version.model_id, deployment.environment_id))
    return {
        "id": deployment.uuid,
        "model": version.model.name,
        "version": version.number,
        "digest": version.digest,
        "environment": deployment.environment.name,
        "target": deployment.target,
        "image_digest": deployment.image_digest or None,
        "traffic_share": deployment.traffic_share,
        "started_at": deployment.started_at,
        "ended_at": deployment.ended_at,
        "live": deployment.is_live,
        "matches_slot": promoted == version.digest if deployment.is_live else deployment.matched_slot,
        "reported_at": deployment.reported_at,
        "reported_by": deployment.reported_by,
        "url": links.version_page(version),
    }
