"""The runs of a project: searched, sorted, in columns that people pick, a page at a time; and what has come since."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse

from accounts import archives
from accounts.models import Project
from core import replica
from core.access import Permission
from core.errors import Invalid, NotFound
from core.ids import parse_run_id
from core.pagination import decode_cursor, encode_cursor
from core.problems import status_of
from core.time_limits import time_limit
from retention.models import Deletion
from retention.selectors import find_deletion
from tracking.exports import parquet_is_there
from tracking.limits import SEARCH_COLUMNS
from tracking.models import Run, SavedView
from tracking.search.columns import LINE, Column, parse_columns
from tracking.search.errors import SearchTooSlow
from tracking.search.selection import LIFECYCLES, select
from tracking.selectors import list_experiments, list_views
from tracking.selectors.keys import Logged, known_keys, recent_experiments
from tracking.selectors.listed import ListedRun, listed_runs
from web.paging import next_query
from web.run_listing import Listing, listing_of
from web.run_table import GROUPS, TITLES, rows_of, table_of
from web.views.base import PAGE_SIZE, PageRequest, project_page, show_part, wants_part

LISTED_EXPERIMENTS = 500
LISTED_VIEWS = 100
LISTED_KEYS = 300  # of each kind, to pick columns from
NEW_RUNS = 50  # that are told of at once
WATCHED_RUNS = 200
SLACK = 20  # runs that may be committed after younger ones
FORMATS = (("csv", "CSV"), ("json", "JSON"), ("parquet", "Parquet"))
ATTRIBUTES = ("status", "experiment", "created_at", "ended_at", "duration", "created_by", "host", "os_user", "entry_point",
              "code.commit", "code.branch", "code.dirty", "environment", "parent", "sealed", "id", "description")  # fmt: skip


@project_page(room="runs", from_replica=True)
def run_list(request: PageRequest, project: Project) -> HttpResponse:
    """The page, or its rows alone for a search by htmx. A filter that is none is explained in the place of the rows."""
    listing = listing_of(project, request.GET)
    since = _newest() if not request.GET.get("cursor") else ""
    context = _frame(request, listing)
    try:
        columns = parse_columns(listing.columns, lines=True)
        page = listing.page(limit=PAGE_SIZE, cursor=request.GET.get("cursor"))
    except (Invalid, NotFound) as error:
        response = show_part(request, "web/run_list.html", "web/_run_rows.html", **context, problem=error)
        if not wants_part(request):  # htmx shows only what succeeds
            response.status_code = status_of(error)
        return response
    table = table_of(listing, page.items, columns)
    return show_part(
        request,
        "web/run_list.html",
        "web/_run_rows.html",
        **context,
        table=table,
        next_url=next_query(request, page.next_cursor) if page.next_cursor else "",
        exports=[(words, listing.export_url(form, table.columns)) for form, words in FORMATS if _is_written(form)],
        since=since,
    )


@project_page(room="runs", from_replica=True)
def run_columns(request: PageRequest, project: Project) -> HttpResponse:
    """The form that picks columns: a page of its own, or for htmx a part of the list."""
    listing = listing_of(project, request.GET)
    try:
        shown = parse_columns(request.GET.get("shown", listing.columns), lines=True)
    except Invalid:
        shown = ()
    return show_part(
        request,
        "web/run_columns.html",
        "web/_run_columns.html",
        listing=listing,
        plain_url=listing.url(columns=""),
        groups=_choices(project, listing, shown),
        most=SEARCH_COLUMNS,
    )


@project_page(room="runs", from_replica=True)
def run_live(request: PageRequest, project: Project) -> HttpResponse:
    """Rows of the runs that came after `since`, and of those named by `run` as they are now. What a list asks every few seconds.

    A run that passes the filter only later is among the new ones then, as long as the list asks from the same `since`.
    """
    listing = listing_of(project, request.GET)
    columns = parse_columns(request.GET.get("shown", ""), lines=True)
    since = request.GET.get("since", "")
    ids = [parse_run_id(text) for text in request.GET.getlist("run")[:WATCHED_RUNS]]
    came = _came_since(listing, _number_in(since)) if since else []
    watched = _watched(project, ids)
    return show_part(
        request,
        "web/_run_live.html",
        "web/_run_live.html",
        came=rows_of(listing, came, columns),
        watched=rows_of(listing, watched, columns),
    )


def _frame(request: PageRequest, listing: Listing) -> dict[str, Any]:
    """What stands around the rows."""
    project, views = listing.project, list(list_views(project=listing.project)[:LISTED_VIEWS])
    if wants_part(request):
        views = []
    return {
        "listing": listing,
        "as_differing": listing.url(differing=True),
        "as_all": listing.url(differing=False),
        "experiments": [] if wants_part(request) else _experiment_names(project),
        "lifecycles": LIFECYCLES,
        "page_size": PAGE_SIZE,
        "views": [(view, view == listing.view) for view in views],
        "may_write": archives.can(request.principal, Permission.RUN_WRITE, project),
        "may_change_view": may_change(request, listing.view) if listing.view else False,
        "done": _done(request, project),
        "is_first_page": not request.GET.get("cursor"),
        "said": _said(request),
    }


def may_change(request: PageRequest, view: SavedView) -> bool:
    own = view.created_by_id == request.principal.id
    needed = Permission.RUN_WRITE if own else Permission.RUN_DELETE
    return archives.can(request.principal, needed, view.project)


def _done(request: PageRequest, project: Project) -> Deletion | None:
    """What was just done to many runs, which can be undone; of the caller alone."""
    found = find_deletion(project=project, text=request.GET.get("done", ""))
    return found if found is not None and found.actor.get("id") == str(request.principal.id) else None


def _said(request: PageRequest) -> str:
    """What the form before has done, in words."""
    for name, words in (("tagged", "tagged"), ("undone", "as before")):
        count = request.GET.get(name, "")
        if re.fullmatch(r"[0-9]{1,4}", count):
            return f"{int(count)} run{'' if int(count) == 1 else 's'} {words}."
    return ""


def _is_written(form: str) -> bool:
    return form != "parquet" or parquet_is_there()


def _experiment_names(project: Project) -> list[str]:
    return sorted(list_experiments(project=project).values_list("name", flat=True)[:LISTED_EXPERIMENTS])


def _newest() -> str:
    """From where on runs are new. Keys grow over all projects, so that one look at their index is enough."""
    newest = Run.objects.order_by("-pk").values_list("pk", flat=True).first()
    return encode_cursor([max(0, (newest or 0) - SLACK)])


def _number_in(cursor: str) -> int:
    [since] = decode_cursor(cursor, 1)
    if type(since) is not int or not 0 <= since < 2**63:
        raise Invalid("This cursor belongs to another listing.", field="since")
    return since


def _came_since(listing: Listing, since: int) -> list[ListedRun]:
    """Newest first. Three to six queries, over the runs that are new alone."""
    with time_limit(settings.SLOW_READ_S, SearchTooSlow, using=replica.alias()) as deadline:
        selection = select(
            project=listing.project,
            filter=listing.filter,
            experiments=[listing.experiment] if listing.experiment else None,
            lifecycle=listing.lifecycle,
            deadline=deadline,
        )
        found = selection.runs().filter(pk__gt=since).order_by("-pk")
        ids = list(found.values_list("pk", flat=True)[:NEW_RUNS])
    return listed_runs(ids)


def _watched(project: Project, ids: Sequence[UUID]) -> list[ListedRun]:
    found = Run.objects.filter(project_id=project.id, uuid__in=ids).order_by("-pk")
    return listed_runs(list(found.values_list("pk", flat=True)))


@dataclass(frozen=True, slots=True)
class Choice:
    """A key and the columns that can be made of it: one, or a metric's last, min, max and line."""

    key: str
    columns: Sequence[tuple[str, str, bool]]  # name, what the box says, whether it is checked


def _choices(project: Project, listing: Listing, shown: Sequence[Column]) -> list[tuple[str, str, list[Choice]]]:
    """Title, kind and choices of each group. Four queries."""
    experiments = recent_experiments(project=project, name=listing.experiment)
    groups = [("attributes", [_choice("attributes", key, shown) for key in ATTRIBUTES])]
    kinds: tuple[Logged, ...] = ("params", "metrics", "tags")
    for kind in kinds:
        keys = known_keys(experiments=experiments, kind=kind, limit=LISTED_KEYS)
        picked = [column.key for column in shown if column.kind == kind]
        groups.append((kind, [_choice(kind, key, shown) for key in sorted({*keys, *picked})]))
    groups.append(("datasets", [_choice("datasets", key, shown) for key in ("", "digest")]))
    return [(GROUPS[kind], kind, choices) for kind, choices in groups if choices]


def _choice(kind: Any, key: str, shown: Sequence[Column]) -> Choice:
    stats = ("last", "min", "max", LINE) if kind == "metrics" else ("",)
    columns = [Column(kind, key, stat) for stat in stats]
    label = (TITLES.get(key, key) if kind == "attributes" else key) or "names"
    return Choice(label, [(column.name, column.stat or label, column in shown) for column in columns])
