"""What the routes of this room answer, as plain dictionaries."""

from typing import Any

from core.codec import number
from retention import bin as the_bin
from retention import tombstones
from tracking.metrics.summary import Summary
from tracking.models import Artifact, Dataset, DatasetVersion, Experiment, Run, SavedView, Seal
from tracking.selectors import RunRow, UsedVersion
from tracking.selectors.artifacts import Folder


def experiment_out(experiment: Experiment) -> dict[str, Any]:
    return {
        "id": experiment.uuid,
        "name": experiment.name,
        "description": experiment.description,
        "tags": experiment.tags,
        "created_at": experiment.created_at,
        "created_by": experiment.created_by,
        "deleted": experiment.is_deleted,
        "deleted_at": experiment.deleted_at,
        "purge_at": the_bin.purged_from(experiment.deleted_at),
    }


def run_out(row: RunRow, *, project: str) -> dict[str, Any]:
    run = row.run
    return {
        "id": run.uuid.hex,
        "project": project,
        "experiment": run.experiment.name,
        "name": run.name,
        "status": run.status,
        "lifecycle": run.lifecycle,
        "deleted_at": run.deleted_at,
        "purge_at": the_bin.purged_from(run.deleted_at) if run.is_deleted else None,
        "purged": _purged(run) if run.is_purged else None,
        "parent": run.parent.uuid.hex if run.parent else None,
        "caused_by": run.caused_by,
        "description": run.description,
        "created_by": run.created_by,
        "created_at": run.created_at,
        "started_at": run.created_at,
        "client_started_at": run.client_started_at,
        "ended_at": run.ended_at,
        "client_ended_at": run.client_ended_at,
        "host": run.host,
        "user": run.os_user,
        "entry_point": run.entry_point,
        "code": _code(row),
        "environment": _environment(row),
        "params": row.params,  # `unspell` leaves no number in them that JSON lacks
        "tags": row.tags,
        "metrics": {key: summary_out(summary) for key, summary in row.metrics.items()},
        "inputs": [dataset_use_out(use) for use in row.inputs],
        "outputs": [dataset_use_out(use) for use in row.outputs],
        "seal": seal_out(row.seal),
        "sealed": run.sealed,
        "url": f"/projects/{project}/runs/{run.uuid.hex}",
    }


def _purged(run: Run) -> dict[str, Any] | None:
    stone = tombstones.find(project=run.project, kind="run", key=run.uuid.hex)
    return tombstones.facts(stone) if stone else None


def _code(row: RunRow) -> dict[str, Any] | None:
    run = row.run
    if not run.code_commit:
        return None
    return {
        "repository": run.code_repository,
        "commit": run.code_commit,
        "branch": run.code_branch,
        "dirty": run.code_dirty,
        "diff_sha256": run.code_diff_sha256 or None,
    }


def _environment(row: RunRow) -> dict[str, Any] | None:
    lock = row.run.environment
    return {"digest": lock.digest, "python": lock.python, "platform": lock.platform} if lock else None


def summary_out(summary: Summary) -> dict[str, Any]:
    """`last` null in the store means that it was NaN, and is spelled so."""
    count, last, last_step, _, least, min_step, most, max_step = summary
    return {
        "count": count,
        "last": "NaN" if last is None else number(last),
        "last_step": last_step,
        "min": number(least),
        "min_step": min_step,
        "max": number(most),
        "max_step": max_step,
    }


def seal_out(seal: Seal | None) -> dict[str, Any] | None:
    if seal is None:
        return None
    return {"number": seal.number, "digest": seal.digest, "sealed_at": seal.sealed_at, "event_id": seal.event_id}


def dataset_use_out(use: UsedVersion) -> dict[str, Any]:
    return {
        "name": use.name,
        "digest": use.digest,
        "kind": use.kind,
        "strength": use.strength,
        "context": use.context,
        "rows": use.rows,
        "bytes": use.bytes,
        "uri": use.uri or None,
    }


def dataset_out(dataset: Dataset) -> dict[str, Any]:
    return {"name": dataset.name, "created_at": dataset.created_at}


def version_out(version: DatasetVersion) -> dict[str, Any]:
    return {
        "id": version.uuid.hex,
        "name": version.dataset.name,
        "digest": version.digest,
        "kind": version.kind,
        "strength": version.strength,
        "schema": version.schema,
        "rows": version.rows,
        "bytes": version.bytes,
        "uri": version.uri or None,
        "source_version": version.source_version or None,
        "profile": version.profile,
        "created_at": version.created_at,
        "created_by": version.created_by,
    }


def view_out(view: SavedView, *, project: str) -> dict[str, Any]:
    return {
        "id": view.uuid,
        "name": view.name,
        "description": view.description,
        "experiment": view.experiment.name if view.experiment else None,
        "filter": view.filter,
        "lifecycle": view.lifecycle,
        "order_by": view.order_by,
        "columns": view.columns,
        "differing": view.differing,
        "created_by": view.created_by,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "url": f"/projects/{project}/runs?view={view.uuid}",
    }


def artifact_out(found: Artifact | Folder) -> dict[str, Any]:
    if isinstance(found, Folder):
        return {"path": found.path, "folder": True, "size": None, "sha256": None, "state": None}
    blob = found.blob
    return {"path": found.path, "folder": False, "size": blob.size, "sha256": blob.sha256, "state": blob.state}
