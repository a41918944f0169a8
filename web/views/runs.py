"""The runs of a project, searched and sorted, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from accounts.models import Project
from core.errors import Invalid, NotFound
from core.problems import status_of
from tracking.models import Run
from tracking.search.runs import Page, search_runs
from tracking.search.selection import LIFECYCLES
from tracking.selectors import RunRow, list_experiments, run_rows
from tracking.selectors.listed import ListedRun
from tracking.selectors.rows import Columns
from web.paging import next_query
from web.run_columns import Column, columns_of, named_columns, with_sorting
from web.values import plain, shown_metric
from web.views.base import PAGE_SIZE, PageRequest, project_page, show_part

LISTED_EXPERIMENTS = 500
FIELDS = ("filter", "experiment", "lifecycle", "order_by", "columns")
SHORT_ID = 12


@project_page(room="runs", from_replica=True)
def run_list(request: PageRequest, project: Project) -> HttpResponse:
    """The page, or its rows alone for a search by htmx. A filter that is none is explained in the place of the rows."""
    query = {field: request.GET.get(field, "").strip() for field in FIELDS}
    query["lifecycle"] = query["lifecycle"] or "active"
    context: dict[str, Any] = {
        "query": query,
        "experiment": query["experiment"],
        "experiments": _experiment_names(project),
        "lifecycles": LIFECYCLES,
        "page_size": PAGE_SIZE,
    }
    try:
        page = _search(project, query, request.GET.get("cursor"))
    except (Invalid, NotFound) as error:
        response = show_part(request, "web/run_list.html", "web/_run_rows.html", **context, problem=error)
        if "HX-Request" not in request.headers:  # htmx shows only what succeeds
            response.status_code = status_of(error)
        return response
    columns = named_columns(query["columns"]) or columns_of(page.items)
    return show_part(
        request,
        "web/run_list.html",
        "web/_run_rows.html",
        **context,
        rows=_rows(page.items, columns),
        columns=with_sorting(columns, request.GET),
        next_url=next_query(request, page.next_cursor) if page.next_cursor else "",
        is_searched=bool(query["filter"] or query["experiment"] or query["lifecycle"] != "active"),
    )


def _search(project: Project, query: Mapping[str, str], cursor: str | None) -> Page:
    return search_runs(
        project=project,
        filter=query["filter"],
        order_by=[query["order_by"]] if query["order_by"] else [],
        experiments=[query["experiment"]] if query["experiment"] else None,
        lifecycle=query["lifecycle"],
        limit=PAGE_SIZE,
        cursor=cursor or None,
    )


def _experiment_names(project: Project) -> list[str]:
    return sorted(list_experiments(project=project).values_list("name", flat=True)[:LISTED_EXPERIMENTS])


@dataclass(frozen=True, slots=True)
class Cell:
    column: Column
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    run: Run | ListedRun
    id: str
    cells: Sequence[Cell]

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]


def _rows(runs: Sequence[ListedRun], columns: Sequence[Column]) -> list[Row]:
    wanted = Columns(
        params=[column.key for column in columns if not column.is_metric],
        tags=[],
        metrics=[column.key for column in columns if column.is_metric],
    )
    return [
        Row(row.run, row.run.uuid.hex, [Cell(column, _value(row, column)) for column in columns])
        for row in run_rows(runs, wanted)
    ]


def _value(row: RunRow, column: Column) -> Any:
    """The last value of a metric, or a param as it was given; None where the run has none."""
    if column.is_metric:
        summary = row.metrics.get(column.key)
        return shown_metric(summary.last) if summary else None
    return plain(row.params[column.key]) if column.key in row.params else None
