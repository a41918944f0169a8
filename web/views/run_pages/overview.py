"""A run at a glance: what it was started with and ended as, its main metrics, its data, its code; and the form that puts it away."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts import archives
from accounts.models import Project
from core.access import NotAllowed
from core.ids import parse_run_id
from core.problems import status_of
from retention import kinds
from tracking import selectors, services
from tracking.models import Run, Tag
from tracking.recipes import recipe_of
from tracking.selectors import RunRow, UsedVersion
from tracking.selectors.recipes import ingredients_of
from tracking.selectors.rows import Columns
from web.standing import REFUSALS, asked, standing_of
from web.views.base import PageRequest, project_page
from web.views.run_pages.charts import figures_of, known_to, metric_keys
from web.views.run_pages.frame import run_page, show_run

SHOWN_CHARTS = 6
SHOWN_CHILDREN = 20
SHOWN_TAGS = 20
SHOWN_USES = 50  # of datasets, on each side
CLOCKS_AGREE = timedelta(seconds=5)  # a run is announced a moment after it began
NOTHING_LOGGED = Columns(params=[], tags=[], metrics=[])

ACTS = {
    "archive": services.archive_run,
    "delete": services.delete_run,
    "restore": services.restore_run,
    "purge": services.purge_run,
}


@run_page
def run_detail(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    """The page, or to one that says by `known` how many metrics it knows of, its charts when there are more by now, else 204."""
    known = known_to(request)
    if known is None:
        return _page(request, project, run)
    keys = metric_keys(run)
    if known == len(keys):
        return HttpResponse(status=204)
    context = {"figures": figures_of(run, leading(keys)), "found": len(keys), "metric_count": len(keys)}
    return render(request, "web/_run_grown.html", context)


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
    [row] = selectors.run_rows([run], NOTHING_LOGGED)
    keys = metric_keys(run)
    tags = list(Tag.objects.filter(run=run).order_by("key").values_list("key", "value")[: SHOWN_TAGS + 1])
    children = list(run.children.order_by("-id")[: SHOWN_CHILDREN + 1])
    diff = selectors.code_diff(run) if run.code_diff_sha256 else ""
    return show_run(
        request,
        project,
        run,
        "overview",
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
        figures=figures_of(run, leading(keys)),
        metric_count=len(keys),
        most_figures=SHOWN_CHARTS,
        tags=tags[:SHOWN_TAGS],
        more_tags=len(tags) > SHOWN_TAGS,
        children=[(child.uuid.hex, child.name, child.status) for child in children[:SHOWN_CHILDREN]],
        more_children=len(children) > SHOWN_CHILDREN,
        data=[
            (title, [_dataset(project, use) for use in uses[:SHOWN_USES]], len(uses)) for title, uses in _data_of(row)
        ],
        diff_lines=diff.count("\n"),
        recipe=recipe_of(ingredients_of(run, project=project, inputs=row.inputs, diff=diff)),
        seal=row.seal,
        clock_differs=run.client_started_at is not None and abs(run.created_at - run.client_started_at) > CLOCKS_AGREE,
    )


def leading(keys: Sequence[str]) -> list[str]:
    """The metrics that say most at a glance: the shortest names first, one of each group before the second of any."""
    groups: dict[str, int] = {}
    ranked = []
    for key in sorted(keys, key=lambda key: (key.count("/"), len(key), key)):
        group = key.partition("/")[0] if "/" in key else key
        groups[group] = groups.get(group, 0) + 1
        ranked.append((groups[group], key))
    return [key for _, key in sorted(ranked, key=lambda each: each[0])][:SHOWN_CHARTS]


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
