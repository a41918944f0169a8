"""Reads of single runs."""

from collections.abc import Collection
from uuid import UUID

from core.access import ProjectRef
from tracking.errors import RunNotFound
from tracking.models import Run, RunDiff, Seal


def find_run(*, project: ProjectRef, id: UUID) -> Run | None:  # noqa: A002 - what it is called everywhere else
    """The run with experiment, parent and environment loaded, whatever its lifecycle; None if there is none."""
    rows = Run.objects.select_related("experiment", "parent", "environment")
    return rows.filter(project_id=project.id, uuid=id).first()


def get_run(*, project: ProjectRef, id: UUID) -> Run:  # noqa: A002 - what it is called everywhere else
    """As `find_run`. Raises RunNotFound."""
    run = find_run(project=project, id=id)
    if run is None:
        raise RunNotFound(id)
    return run


def get_runs(*, project: ProjectRef, ids: Collection[UUID]) -> dict[UUID, Run]:
    """Runs by their ids, whatever their lifecycle. One query. Raises RunNotFound, which names the first that is missing."""
    found = {run.uuid: run for run in Run.objects.filter(project_id=project.id, uuid__in=ids)}
    for id in ids:  # noqa: A001 - what it is called everywhere else
        if id not in found:
            raise RunNotFound(id)
    return found


def latest_seal(run: Run) -> Seal | None:
    """The seal of highest number; `run.sealed` tells whether it still covers everything."""
    return Seal.objects.filter(run=run).order_by("-number").first()


def list_seals(run: Run) -> list[Seal]:
    """All seals, first one first."""
    return list(Seal.objects.filter(run=run).order_by("number"))


def code_diff(run: Run) -> str:
    """Uncommitted changes of the code as the client sent them; empty where there were none."""
    return RunDiff.objects.filter(run=run).values_list("text", flat=True).first() or ""
