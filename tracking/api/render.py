"""What the routes of this room answer, as plain dictionaries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any

from core.access import ProjectRef
from core.codec import number, ready
from retention import bin as the_bin
from retention import tombstones
from tracking.metrics.summary import Summary
from tracking.models import Artifact, Dataset, DatasetVersion, Experiment, Run, SavedView
from tracking.selectors import UsedVersion
from tracking.selectors.artifacts import Folder
from tracking.selectors.datasets import uses_of
from tracking.selectors.listed import ToldRun, told_runs, told_seals
from tracking.selectors.rows import Columns, params_as_json, tags_as_json, told_series


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


def runs_out(ids: Sequence[int], columns: Columns | None = None, *, project: ProjectRef) -> list[dict[str, Any]]:
    """The runs of those primary keys, in the order given, with their values by key: all of them without `columns`. Six queries.

    Values are thousands, so they go from the rows of the database into the answer without an object between; params and tags are
    JSON already.
    """
    items = {run.pk: _facts(run, project) for run in told_runs(ids)}
    columns = columns or Columns()
    for run_id, params in params_as_json(items, columns):
        items[run_id]["params"] = ready(params)
    for run_id, tags in tags_as_json(items, columns):
        items[run_id]["tags"] = ready(tags)
    _add_metrics(items, columns)
    for kind, uses in zip(("inputs", "outputs"), uses_of(items), strict=True):
        for use in uses:
            items[use.run_id][kind].append(dataset_use_out(use))
    for run_id, seal in told_seals(items).items():
        items[run_id]["seal"] = {**seal._asdict(), "event_id": _dashed(seal.event_id)}
    return list(items.values())


def _facts(run: ToldRun, project: ProjectRef) -> dict[str, Any]:
    """All of a run but what was logged to it, whose places are empty."""
    return {
        "id": run.uuid,
        "project": project.name,
        "experiment": run.experiment,
        "name": run.name,
        "status": run.status,
        "lifecycle": run.lifecycle,
        "deleted_at": run.deleted_at,
        "purge_at": _purge_at(run),
        "purged": _purged(run.uuid, project) if run.lifecycle == Run.Lifecycle.PURGED else None,
        "parent": run.parent,
        "caused_by": _dashed(run.caused_by) if run.caused_by else None,
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
        "code": _code(run),
        "environment": _environment(run),
        "params": {},
        "tags": {},
        "metrics": {},
        "inputs": [],
        "outputs": [],
        "seal": None,
        "sealed": bool(run.sealed),
        "url": f"/projects/{project.name}/runs/{run.uuid}",
    }


def _purge_at(run: ToldRun) -> datetime | None:
    if run.lifecycle != Run.Lifecycle.DELETED or run.deleted_at is None:
        return None
    return the_bin.purged_from(datetime.fromisoformat(run.deleted_at))


def _purged(run: str, project: ProjectRef) -> dict[str, Any] | None:
    stone = tombstones.find(project=project, kind="run", key=run)
    return tombstones.facts(stone) if stone else None


def _code(run: ToldRun) -> dict[str, Any] | None:
    if not run.code_commit:
        return None
    return {
        "repository": run.code_repository,
        "commit": run.code_commit,
        "branch": run.code_branch,
        "dirty": None if run.code_dirty is None else bool(run.code_dirty),
        "folder": run.code_folder,
        "untracked": run.code_untracked,
        "diff_sha256": run.code_diff_sha256 or None,
    }


def _environment(run: ToldRun) -> dict[str, Any] | None:
    if run.digest is None:
        return None
    return {"digest": run.digest, "python": run.python, "platform": run.platform}


def _dashed(id_: str) -> str:
    """32 hex digits in the groups of RFC 9562."""
    return f"{id_[:8]}-{id_[8:12]}-{id_[12:16]}-{id_[16:20]}-{id_[20:]}"


def _add_metrics(items: Mapping[int, dict[str, Any]], columns: Columns) -> None:
    """As `summary_out` tells each of them. Written out here, since a call for each of thousands costs as much as what it does."""
    at = 0
    metrics: dict[str, Any] = {}
    for run_id, key, count, last, last_step, least, min_step, most, max_step in told_series(items, columns):
        if run_id != at:
            at, metrics = run_id, items[run_id]["metrics"]
        metrics[key] = {
            "count": count,
            "last": last,
            "last_step": last_step,
            "min": least,
            "min_step": min_step,
            "max": most,
            "max_step": max_step,
        }
        if last is None or least is None or most is None or not -inf < least <= last <= most < inf:  # JSON lacks one
            metrics[key] |= {"last": _last(last), "min": number(least), "max": number(most)}


def summary_out(summary: Summary) -> dict[str, Any]:
    """`last` null in the store means that it was NaN, and is spelled so."""
    return {
        "count": summary.count,
        "last": _last(summary.last),
        "last_step": summary.last_step,
        "min": number(summary.min),
        "min_step": summary.min_step,
        "max": number(summary.max),
        "max_step": summary.max_step,
    }


def _last(value: float | None) -> float | str | None:
    return "NaN" if value is None else number(value)


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
