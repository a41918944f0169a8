"""What the routes of this room answer, as plain dictionaries."""

from collections.abc import Sequence
from math import inf
from typing import Any
from uuid import UUID

from core.access import ProjectRef
from core.clock import text
from core.codec import number
from retention import bin as the_bin
from retention import tombstones
from tracking.metrics.summary import Summary
from tracking.models import Artifact, Dataset, DatasetVersion, Experiment, Run, SavedView, Seal
from tracking.selectors import UsedVersion
from tracking.selectors.artifacts import Folder
from tracking.selectors.datasets import uses_of
from tracking.selectors.listed import ListedRun, ListedSeal, latest_seals
from tracking.selectors.rows import Columns, params_of, series_of, tags_of


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


def runs_out(
    runs: Sequence[Run] | Sequence[ListedRun], columns: Columns | None = None, *, project: ProjectRef
) -> list[dict[str, Any]]:
    """The runs, in the order given, with their values by key: all of them without `columns`. Five queries.

    Values are thousands, so they go from the rows of the database into the answer without an object between.
    """
    items = {run.pk: _facts(run, project) for run in runs}
    columns = columns or Columns()
    for run_id, key, value in params_of(items, columns):
        items[run_id]["params"][key] = value  # `unspell` leaves no number in them that JSON lacks
    for run_id, key, value in tags_of(items, columns):
        items[run_id]["tags"][key] = value
    at = 0
    for row in series_of(items, columns):
        if row[0] != at:
            at = row[0]
            metrics = items[at]["metrics"]
        metrics[row[1]] = summary_out(row[2:])
    for kind, uses in zip(("inputs", "outputs"), uses_of(items), strict=True):
        for use in uses:
            items[use.run_id][kind].append(dataset_use_out(use))
    for run_id, seal in latest_seals(items).items():
        items[run_id]["seal"] = seal_out(seal)
    return list(items.values())


def _facts(run: Run | ListedRun, project: ProjectRef) -> dict[str, Any]:
    """All of a run but what was logged to it, whose places are empty."""
    id_, created = run.uuid.hex, text(run.created_at)
    return {
        "id": id_,
        "project": project.name,
        "experiment": run.experiment.name,
        "name": run.name,
        "status": run.status,
        "lifecycle": run.lifecycle,
        "deleted_at": run.deleted_at,
        "purge_at": the_bin.purged_from(run.deleted_at) if run.is_deleted else None,
        "purged": _purged(run.uuid, project) if run.is_purged else None,
        "parent": run.parent.uuid.hex if run.parent else None,
        "caused_by": run.caused_by,
        "description": run.description,
        "created_by": run.created_by,
        "created_at": created,
        "started_at": created,
        "client_started_at": run.client_started_at,
        "ended_at": run.ended_at,
        "client_ended_at": run.client_ended_at,
        "host": run.host,
        "user": run.os_user,
        "entry_point": run.entry_point,
        "code": _code(run),
        "environment": _environment(run),
        "params": {},
        "tags": {},
        "metrics": {},
        "inputs": [],
        "outputs": [],
        "seal": None,
        "sealed": run.sealed,
        "url": f"/projects/{project.name}/runs/{id_}",
    }


def _purged(run: UUID, project: ProjectRef) -> dict[str, Any] | None:
    stone = tombstones.find(project=project, kind="run", key=run.hex)
    return tombstones.facts(stone) if stone else None


def _code(run: Run | ListedRun) -> dict[str, Any] | None:
    if not run.code_commit:
        return None
    return {
        "repository": run.code_repository,
        "commit": run.code_commit,
        "branch": run.code_branch,
        "dirty": run.code_dirty,
        "folder": run.code_folder,
        "untracked": run.code_untracked,
        "diff_sha256": run.code_diff_sha256 or None,
    }


def _environment(run: Run | ListedRun) -> dict[str, Any] | None:
    lock = run.environment
    return {"digest": lock.digest, "python": lock.python, "platform": lock.platform} if lock else None


def summary_out(summary: Summary | tuple[Any, ...]) -> dict[str, Any]:
    """`last` null in the store means that it was NaN, and is spelled so."""
    count, last, last_step, _, least, min_step, most, max_step = summary
    if last is None or least is None or most is None or not -inf < least <= last <= most < inf:
        last, least, most = "NaN" if last is None else number(last), number(least), number(most)
    return {
        "count": count,
        "last": last,
        "last_step": last_step,
        "min": least,
        "min_step": min_step,
        "max": most,
        "max_step": max_step,
    }


def seal_out(seal: Seal | ListedSeal | None) -> dict[str, Any] | None:
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
