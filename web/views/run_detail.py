"""One run: what went in, what came out, and the evidence that it stayed so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import NotAllowed
from core.ids import parse_run_id
from core.problems import status_of
from retention import kinds
from tracking import selectors, services
from tracking.metrics.summary import Summary
from tracking.models import Artifact, Run
from tracking.selectors import RunRow, UsedVersion
from web.lines import Start, impact_of, trace_of
from web.standing import REFUSALS, asked, standing_of
from web.trail import trail_of
from web.values import plain, shown_metric
from web.views.base import PageRequest, project_page, show
from web.views.experiments import experiment_url

SHOWN_CHARTS = 200  # figures on one page; the table below them has every metric
SHOWN_ARTIFACTS = 500
SHOWN_DIFF_LINES = 3_000
SHORT_ID = 12


ACTS = {
    "archive": services.archive_run,
    "delete": services.delete_run,
    "restore": services.restore_run,
    "purge": services.purge_run,
}


@project_page(room="runs")
def run_detail(request: PageRequest, project: Project, run_id: str) -> HttpResponse:
    return _page(request, project, selectors.get_run(project=project, id=parse_run_id(run_id)))


@project_page(room="runs", methods=("POST",))
def run_act(request: PageRequest, project: Project, run_id: str) -> HttpResponse:
    """Archive, delete, restore or purge by form; back to the run, which says what became of it."""
    run = selectors.get_run(project=project, id=parse_run_id(run_id))
    try:
        act, service, reason = asked(request, ACTS)
        permission = kinds.get_kind("run").needed(act, creator=run.created_by_id, by=request.principal)
        archives.require(request.principal, permission, project)
        service(run=run, actor=request.principal, reason=reason)
    except NotAllowed:
        raise
    except REFUSALS as error:
        return _page(request, project, run, error=error.detail, status=status_of(error))
    return HttpResponseRedirect(reverse("web:run_detail", args=[project.name, run.uuid.hex]))


def _page(request: PageRequest, project: Project, run: Run, *, error: str = "", status: int = 200) -> HttpResponse:
    [row] = selectors.run_rows([run])
    metrics = [(key, _summary(summary)) for key, summary in sorted(row.metrics.items())]
    artifacts = list(selectors.list_artifacts(run)[: SHOWN_ARTIFACTS + 1])
    start = Start(project, "run", run.uuid.hex, request.principal)
    return show(
        request,
        "web/run_detail.html",
        status=status,
        standing=standing_of(
            project=project,
            viewer=request.principal,
            kind="run",
            key=run.uuid.hex,
            state=run.lifecycle,
            deleted_at=run.deleted_at,
            creator=run.created_by_id,
            action=reverse("web:run_act", args=[project.name, run.uuid.hex]),
            error=error,
        ),
        run=run,
        id=run.uuid.hex,
        title=run.name or run.uuid.hex[:SHORT_ID],
        parent=run.parent.uuid.hex if run.parent else "",
        experiment_url=experiment_url(project, run.experiment.name),
        metrics=metrics,
        charted=metrics[:SHOWN_CHARTS],
        run_url=f"/api/v1/runs/{run.uuid.hex}",
        series_url=f"/api/v1/runs/{run.uuid.hex}/series",
        series_query=urlencode({"project": project.name}),
        params=[(key, plain(value)) for key, value in sorted(row.params.items())],
        tags=sorted(row.tags.items()),
        data=[(title, [_dataset(project, use) for use in uses]) for title, uses in _data_of(row)],
        diff=diff_lines(selectors.code_diff(run)),
        artifacts=[_artifact(project, run, artifact) for artifact in artifacts[:SHOWN_ARTIFACTS]],
        more_artifacts=len(artifacts) > SHOWN_ARTIFACTS,
        seal=row.seal,
        line=trace_of(start),
        results=impact_of(start),
        entries=trail_of(project=project, type="run", id=run.uuid.hex, viewer=request.principal),
    )


def _summary(summary: Summary) -> Mapping[str, Any]:
    return {
        "count": summary.count,
        "last": shown_metric(summary.last),
        "last_step": summary.last_step,
        "min": summary.min,
        "min_step": summary.min_step,
        "max": summary.max,
        "max_step": summary.max_step,
    }


def _data_of(row: RunRow) -> Sequence[tuple[str, Sequence[UsedVersion]]]:
    return [(title, uses) for title, uses in (("Read", row.inputs), ("Made", row.outputs)) if uses]


def _dataset(project: Project, use: UsedVersion) -> Mapping[str, Any]:
    address = reverse("web:dataset_detail", args=[project.name, use.name])
    return {
        "name": use.name,
        "url": f"{address}?{urlencode({'version': str(use.version)})}",
        "context": use.context,
        "digest": use.digest,
        "strength": use.strength,
        "kind": use.kind,
        "rows": use.rows,
        "bytes": use.bytes,
        "uri": use.uri,
    }


def _artifact(project: Project, run: Run, artifact: Artifact) -> Mapping[str, Any]:
    query = urlencode({"project": project.name, "path": artifact.path})
    return {
        "path": artifact.path,
        "size": artifact.blob.size,
        "sha256": artifact.blob.sha256,
        "state": artifact.blob.state,
        "url": f"/api/v1/runs/{run.uuid.hex}/artifacts/content?{query}" if artifact.blob.is_usable else "",
    }


@dataclass(frozen=True, slots=True)
class DiffLine:
    kind: str
    text: str


def diff_lines(diff: str) -> Sequence[DiffLine]:
    """The lines of a unified diff by kind, cut where reading on makes no sense."""
    lines = diff.splitlines()
    shown = [DiffLine(_kind(line), line) for line in lines[:SHOWN_DIFF_LINES]]
    if len(lines) > SHOWN_DIFF_LINES:
        shown.append(DiffLine("at", f"… and {len(lines) - SHOWN_DIFF_LINES} lines more"))
    return shown


def _kind(line: str) -> str:
    if line.startswith(("@@", "diff ", "index ", "+++", "---")):
        return "at"
    return {"+": "add", "-": "del"}.get(line[:1], "same")
