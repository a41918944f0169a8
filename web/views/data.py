"""Datasets of a project: their versions, what is in them, who used them, and all that came of each."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, F, IntegerField, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Project
from core.codec import json_bytes
from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor
from monitoring.dataset_profiles import dataset_profile
from tracking.errors import DatasetNotFound
from tracking.exports import harmless
from tracking.models import Dataset, DatasetVersion, Run, RunInput
from tracking.selectors import get_dataset, get_dataset_version, list_dataset_versions, list_datasets
from web.impacts import COLUMNS, Impact, impact_list, rows_of
from web.lines import Start, whole_line_of
from web.nodes import KIND_WORDS
from web.paging import Page, newest_first, next_query, ordered, sorting_of
from web.profiles import columns_of
from web.views.base import PageRequest, project_page, show

SORTS = {"name": "name", "changed": "changed_at", "versions": "version_count"}
SHOWN_IMPACT = 100  # things on one page of an impact
SHOWN_USES = 20
MOST_USES = 1_000  # of one dataset, that a list counts the runs of


@dataclass(frozen=True, slots=True)
class DatasetRow:
    name: str
    versions: int
    newest: DatasetVersion | None
    runs: int  # that used it; at least so many, where `is_at_least`
    is_at_least: bool


class _Of(Subquery):
    """What `of` says of the rows of a query."""

    template = "(SELECT %(of)s FROM (%(subquery)s) _rows)"


@project_page(room="data", from_replica=True)
def dataset_list(request: PageRequest, project: Project) -> HttpResponse:
    query = {key: request.GET.get(key, "").strip() for key in ("q", "strength")}
    sorting = sorting_of(request, SORTS, default="name")
    page = ordered(_find(project, **query), request, sorting, SORTS)
    return show(
        request,
        "web/dataset_list.html",
        datasets=_rows(page.rows),
        next_url=page.next_url,
        query=query,
        is_filtered=any(query.values()),
        sorting=sorting,
        strengths=DatasetVersion.Strength.values,
    )


def _find(project: Project, *, q: str, strength: str) -> QuerySet[Dataset]:
    """By what the name has, and the strength of the newest version. Raises Invalid."""
    if strength and strength not in DatasetVersion.Strength.values:
        raise Invalid(f"{strength[:40]!r} is no strength; there are {', '.join(DatasetVersion.Strength.values)}.")
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-id")
    counted = newest.order_by().values("dataset").annotate(n=Count("id")).values("n")
    datasets = list_datasets(project=project).annotate(
        changed_at=Coalesce(Subquery(newest.values("created_at")[:1]), F("created_at")),
        version_count=Coalesce(Subquery(counted), 0),
    )
    if q:
        datasets = datasets.filter(name__icontains=q)
    if strength:
        datasets = datasets.annotate(strength=Subquery(newest.values("strength")[:1])).filter(strength=strength)
    return datasets


def _rows(datasets: Sequence[Dataset]) -> list[DatasetRow]:
    """At most five queries for the whole page. Of each dataset's uses MOST_USES are looked at, since there may be any number."""
    found = DatasetVersion.objects.filter(dataset__in=datasets).values_list("dataset")
    counted = {dataset: (count, newest) for dataset, count, newest in found.annotate(Count("id"), Max("id"))}
    shown = DatasetVersion.objects.defer("schema", "profile")
    newest = shown.in_bulk([newest for _, newest in counted.values()])
    used = _users([dataset.id for dataset in datasets])
    nothing = (0, None)
    return [
        DatasetRow(
            dataset.name,
            counted.get(dataset.id, nothing)[0],
            newest.get(counted.get(dataset.id, nothing)[1]),
            *used[dataset.id],
        )
        for dataset in datasets
    ]


def _users(datasets: Sequence[int]) -> dict[int, tuple[int, bool]]:
    """How many runs used each, and whether that is the least it can be. At most three queries: uses are counted first, which needs
    an index alone, since only of few all are worth reading, and only of many PostgreSQL is right to expect many.
    """
    uses = RunInput.objects.filter(version__dataset=OuterRef("pk")).order_by().annotate(reader=F("run_id"))
    times = dict(_among(datasets, uses.values("pk"), "COUNT(*)"))
    few = [pk for pk in datasets if times[pk] <= MOST_USES]
    many = [pk for pk in datasets if times[pk] > MOST_USES]
    whole = RunInput.objects.filter(version__dataset__in=few).values_list("version__dataset")
    exact = dict(whole.annotate(Count("run", distinct=True))) if few else {}
    least = dict(_among(many, uses.values("reader"), "COUNT(DISTINCT reader)")) if many else {}
    return {pk: (exact.get(pk, 0), False) for pk in few} | {pk: (least[pk], True) for pk in many}


def _among(datasets: Sequence[int], uses: QuerySet[RunInput, Any], of: str) -> QuerySet[Dataset, tuple[int, int]]:
    """`of` the first MOST_USES uses of each, and of one more."""
    said = _Of(uses[: MOST_USES + 1], of=of, output_field=IntegerField())
    return Dataset.objects.filter(pk__in=datasets).annotate(said=said).values_list("pk", "said")


@project_page(room="data", from_replica=True)
def dataset_detail(request: PageRequest, project: Project, name: str) -> HttpResponse:
    dataset = get_dataset(project=project, name=name)
    page = newest_first(list_dataset_versions(dataset=dataset).defer("schema", "profile"), request)
    chosen = _chosen(request, dataset, page)
    if chosen is None:
        return show(request, "web/dataset_detail.html", dataset=dataset, versions=page.rows, next_url=page.next_url)
    start = Start(project, "dataset_version", chosen.uuid.hex, request.principal)
    return show(
        request,
        "web/dataset_detail.html",
        dataset=dataset,
        versions=page.rows,
        next_url=page.next_url,
        chosen=chosen,
        whole=whole_line_of(start),
        columns=columns_of(chosen, dataset_profile(chosen)),
        uses=_uses(chosen),
        use_count=RunInput.objects.filter(version=chosen).exclude(run__lifecycle=Run.Lifecycle.DELETED).count(),
        makers=list(chosen.made_by.select_related("run__experiment").order_by("-id")[:SHOWN_USES]),
        runs_url=_runs_url(project, chosen),
    )


def _uses(version: DatasetVersion) -> list[RunInput]:
    uses = RunInput.objects.filter(version=version).exclude(run__lifecycle=Run.Lifecycle.DELETED)
    return list(uses.select_related("run__experiment").order_by("-id")[:SHOWN_USES])


def _runs_url(project: Project, version: DatasetVersion) -> str:
    """The runs' own list, searched by digest; "" where the version has none that a search could spell."""
    if not version.digest or "'" in version.digest:
        return ""
    query = urlencode({"filter": f"datasets.digest = '{version.digest}'"})
    return f"{reverse('web:run_list', args=[project.name])}?{query}"


def _chosen(request: PageRequest, dataset: Dataset, page: Page[DatasetVersion]) -> DatasetVersion | None:
    """The version that is shown: the one asked for, or the newest. Raises DatasetNotFound."""
    asked = request.GET.get("version", "")
    if not asked and page.rows:
        asked = page.rows[0].uuid.hex
    return get_dataset_version(dataset=dataset, ref=asked) if asked else None


@project_page(room="data", from_replica=True)
def dataset_impact(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """All runs, versions and deployments downstream, those that serve now first."""
    version = _version(project, uuid)
    kind = request.GET.get("kind", "")
    if kind not in ("", "live", *KIND_WORDS):
        raise Invalid(f"{kind[:40]!r} is no kind of thing; there are live, {', '.join(KIND_WORDS)}.", field="kind")
    impact = impact_list(Start(project, "dataset_version", version.uuid.hex, request.principal))
    chosen = impact.only(kind)
    offset = _offset(request)
    rest = chosen[offset + SHOWN_IMPACT :]
    return show(
        request,
        "web/dataset_impact.html",
        dataset=version.dataset,
        version=version,
        impact=impact,
        kind=kind,
        rows=chosen[offset : offset + SHOWN_IMPACT],
        first=offset + 1,
        last=min(offset + SHOWN_IMPACT, len(chosen)),
        count=len(chosen),
        next_url=next_query(request, encode_cursor([offset + SHOWN_IMPACT])) if rest else "",
    )


@project_page(room="data", from_replica=True)
def dataset_impact_export(request: PageRequest, project: Project, uuid: UUID) -> HttpResponse:
    """The same as a file, `?format=csv` or `json`, live first. A list that was cut short says so in its name."""
    version = _version(project, uuid)
    form = request.GET.get("format", "csv")
    if form not in ("csv", "json"):
        raise Invalid(f"{form[:20]!r} is no format; there are csv and json.", field="format")
    impact = impact_list(Start(project, "dataset_version", version.uuid.hex, request.principal))
    origin = f"{request.scheme}://{request.get_host()}"
    name = f"impact-{version.uuid.hex[:12]}{'-cut-short' if impact.truncated else ''}.{form}"
    body, kind = (
        (_csv(impact, origin), "text/csv") if form == "csv" else (_json(version, impact, origin), "application/json")
    )
    return HttpResponse(
        body,
        content_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
    )


def _csv(impact: Impact, origin: str) -> str:
    """Names are people's, so a spreadsheet might take them for formulas."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows_of(impact, origin))
    return text.getvalue()


def _cell(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value


def _json(version: DatasetVersion, impact: Impact, origin: str) -> bytes:
    items: Iterator[dict[str, Any]] = rows_of(impact, origin)
    about = {"dataset": version.dataset.name, "digest": version.digest, "version": version.uuid.hex}
    return json_bytes({"of": about, "truncated": impact.truncated, "hidden": impact.hidden, "items": list(items)})


def _version(project: Project, uuid: UUID) -> DatasetVersion:
    """Raises DatasetNotFound, also for a version of another project."""
    found = DatasetVersion.objects.select_related("dataset").defer("schema", "profile")
    version = found.filter(dataset__project=project, uuid=uuid).first()
    if version is None:
        raise DatasetNotFound(f"There is no dataset version {uuid} in this project.")
    return version


def _offset(request: PageRequest) -> int:
    """Where the page begins. Raises Invalid for a foreign cursor."""
    cursor = request.GET.get("cursor", "")
    [offset] = decode_cursor(cursor, 1) if cursor else [0]
    if not isinstance(offset, int) or offset < 0:
        raise Invalid("This cursor belongs to another listing.", field="cursor")
    return offset
