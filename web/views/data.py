"""Datasets of a project: their versions, and what came of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max
from django.http import HttpResponse

from accounts.models import Project
from tracking.models import Dataset, DatasetVersion
from tracking.selectors import get_dataset, get_dataset_version, list_dataset_versions, list_datasets
from web.lines import Line, Start, impact_of, trace_of
from web.paging import Page, by_name, newest_first
from web.views.base import PageRequest, project_page, show

PLURALS = {"run": "runs", "model version": "model versions", "deployment": "deployments", "data": "datasets made of it"}


@dataclass(frozen=True, slots=True)
class DatasetRow:
    name: str
    versions: int
    newest: DatasetVersion | None


@project_page(room="data", from_replica=True)
def dataset_list(request: PageRequest, project: Project) -> HttpResponse:
    page = by_name(list_datasets(project=project), request)
    return show(request, "web/dataset_list.html", datasets=_rows(page.rows), next_url=page.next_url)


def _rows(datasets: Sequence[Dataset]) -> list[DatasetRow]:
    """Two queries for the whole page."""
    found = DatasetVersion.objects.filter(dataset__in=datasets).values_list("dataset")
    counted = {dataset: (count, newest) for dataset, count, newest in found.annotate(Count("id"), Max("id"))}
    newest = DatasetVersion.objects.in_bulk([newest for _, newest in counted.values()])
    nothing = (0, None)
    return [
        DatasetRow(dataset.name, counted.get(dataset.id, nothing)[0], newest.get(counted.get(dataset.id, nothing)[1]))
        for dataset in datasets
    ]


@project_page(room="data", from_replica=True)
def dataset_detail(request: PageRequest, project: Project, name: str) -> HttpResponse:
    dataset = get_dataset(project=project, name=name)
    page = newest_first(list_dataset_versions(dataset=dataset), request)
    chosen = _chosen(request, dataset, page)
    start = Start(project, "dataset_version", chosen.uuid.hex, request.principal) if chosen else None
    line = impact_of(start) if start else None
    return show(
        request,
        "web/dataset_detail.html",
        dataset=dataset,
        versions=page.rows,
        next_url=page.next_url,
        chosen=chosen,
        line=line,
        origin=trace_of(start) if start else None,
        impact_words=_counted(line) if line else "",
        schema=chosen.schema if chosen else None,
    )


def _chosen(request: PageRequest, dataset: Dataset, page: Page[DatasetVersion]) -> DatasetVersion | None:
    """The version whose use is shown: the one asked for, or the newest. Raises DatasetNotFound."""
    asked = request.GET.get("version", "")
    if asked:
        return get_dataset_version(dataset=dataset, ref=asked)
    return page.rows[0] if page.rows else None


def _counted(line: Line) -> str:
    """How much came of it, by kind: "2 runs, 1 model version"."""
    kinds = Counter(node.kind for step in line.steps for node in step.nodes if not node.is_start)
    live = sum(node.live for step in line.steps for node in step.nodes)
    words = [f"{count} {kind if count == 1 else PLURALS.get(kind, kind)}" for kind, count in sorted(kinds.items())]
    if live:
        words.append(f"{live} serving now")
    return ", ".join(words)
