"""Reads of single runs."""

from collections.abc import Callable, Collection
from uuid import UUID

from core import prepared, rows
from core.access import ProjectRef
from tracking.errors import RunNotFound
from tracking.models import Run, RunDiff, Seal


def find_run(*, project: ProjectRef, id: UUID) -> Run | None:  # noqa: A002 - what it is called everywhere else
    """The run with experiment, parent and environment loaded, whatever its lifecycle; None if there is none."""
    runs = Run.objects.select_related("experiment", "parent", "environment")
    return runs.filter(project_id=project.id, uuid=id).first()


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


def ask_latest_seal(*, project: ProjectRef, run: UUID) -> Callable[[], Seal | None]:
    """As `latest_seal`, of the run of that id, asked for now and answered later (`prepared.ask`)."""
    asked = prepared.ask(
        f"SELECT {rows.columns(Seal, 'seal')} FROM tracking_seal seal JOIN tracking_run run ON run.id = seal.run_id "  # noqa: S608 - columns of ours
        "WHERE run.project_id = %s AND run.uuid = %s ORDER BY seal.number DESC LIMIT 1",
        [project.id, rows.bound(run)],
    )
    return lambda: next((rows.read(Seal, found) for found in asked()), None)


def list_seals(run: Run) -> list[Seal]:
    """All seals, first one first."""
    return list(Seal.objects.filter(run=run).order_by("number"))


def code_diff(run: Run) -> str:
    """Uncommitted changes of the code as the client sent them; empty where there were none."""
    return RunDiff.objects.filter(run=run).values_list("text", flat=True).first() or ""
