"""The charts of a run: its metrics by group, searched, a page at a time; each with its numbers, which a browser without scripts shows."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import Project
from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor
from tracking.metrics.summary import Summary
from tracking.models import Run, Series
from tracking.selectors import run_rows
from tracking.selectors.rows import Columns
from web.values import shown_metric
from web.views.base import PageRequest, wants_part
from web.views.run_pages.frame import frame_of, run_page

PAGE_FIGURES = 48  # divides into rows of two, three and four
PAGE_ROWS = 200  # of the table
MOST_GROUPS = 200  # listed beside the charts
VIEWS = ("charts", "table")


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric and its summary. `last` is NaN where the summary holds none."""

    key: str
    name: str
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics whose keys begin alike, up to the last slash; "" for the plain ones. `begins` where no page before has shown any."""

    name: str
    figures: Sequence[Figure]
    count: int
    begins: bool = True


@run_page
def run_charts(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    """The page; for htmx the next part of its list; or, to a page that says by `known` how many metrics it knows of, all that it shows
    with those that came in between, and 204 while none has.
    """
    query = {name: request.GET.get(name, "").strip() for name in ("q", "group", "view")}
    query["view"] = query["view"] if query["view"] in VIEWS else "charts"
    keys = metric_keys(run)
    found = [key for key in keys if _is_wanted(key, query)]
    known = known_to(request)
    if known == len(found):
        return HttpResponse(status=204)
    start = _start(request.GET.get("cursor", ""), found)
    end = start + (PAGE_ROWS if query["view"] == "table" else PAGE_FIGURES)
    if known is not None:
        end = _end(request.GET.get("until", ""), found, known + PAGE_FIGURES)
    shown = found[start:end]
    context = {
        "run": run,
        "query": query,
        "groups": grouped(figures_of(run, shown), found, before=found[start - 1] if start else None),
        "found": len(found),
        "metric_count": len(keys),
        "next_url": _next(request, shown[-1]) if end < len(found) else "",
    }
    if known is not None:
        response = render(request, "web/_run_grown.html", context)
    elif wants_part(request):
        part = "web/_run_metric_rows.html" if query["view"] == "table" else "web/_run_figures.html"
        response = render(request, part, context)
    else:
        context |= dict(frame_of(project, run, "charts")) | {"index": _index(keys)}
        response = render(request, "web/run_charts.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def known_to(request: PageRequest) -> int | None:
    """How many metrics a page of charts knows of, that asks whether there are more by now; None where none asks. Raises Invalid."""
    text = request.GET.get("known")
    if text is None or not wants_part(request):
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Invalid(f"{text[:20]!r} is no number of metrics.", field="known")
    return int(text)


def metric_keys(run: Run) -> list[str]:
    """All of them, the plain ones first, then group by group. One query, of an index alone."""
    keys = Series.objects.filter(run=run).values_list("key", flat=True)
    return sorted(keys, key=lambda key: (group_of(key) != "", group_of(key), key))


def group_of(key: str) -> str:
    """What stands before the last slash; a slash that begins or ends a key makes no group."""
    head, slash, tail = key.rpartition("/")
    return head if slash and tail else ""


def figures_of(run: Run, keys: Sequence[str]) -> list[Figure]:
    """In the order of `keys`. One query for their numbers."""
    if not keys:
        return []
    [row] = run_rows([run], Columns(params=[], tags=[], metrics=keys))
    return [Figure(key, key[len(group_of(key)) :].removeprefix("/"), summary_of(row.metrics[key])) for key in keys]


def summary_of(summary: Summary) -> Mapping[str, Any]:
    return {
        "count": summary.count,
        "last": shown_metric(summary.last),
        "last_step": summary.last_step,
        "min": summary.min,
        "min_step": summary.min_step,
        "max": summary.max,
        "max_step": summary.max_step,
        "odd": summary.last is None or not math.isfinite(summary.last),
    }


def grouped(figures: Sequence[Figure], found: Sequence[str], *, before: str | None) -> list[Group]:
    counts: dict[str, int] = {}
    for key in found:
        counts[group_of(key)] = counts.get(group_of(key), 0) + 1
    return [
        Group(name, list(some), counts[name], begins=before is None or group_of(before) != name)
        for name, some in groupby(figures, key=lambda figure: group_of(figure.key))
    ]


def _index(keys: Sequence[str]) -> list[tuple[str, int]]:
    """Groups with how many metrics each has."""
    return [(name, len(list(some))) for name, some in groupby(keys, key=group_of)][:MOST_GROUPS]


def _is_wanted(key: str, query: Mapping[str, str]) -> bool:
    """Every word is in the key, whatever its case, and the key is in the group."""
    if query["group"] and group_of(key) != query["group"]:
        return False
    return all(word in key.casefold() for word in query["q"].casefold().split())


def _start(cursor: str, keys: Sequence[str]) -> int:
    """Behind the key of the cursor. Raises Invalid for a cursor that is none of this list."""
    if not cursor:
        return 0
    [last] = decode_cursor(cursor, 1)
    if last not in keys:
        raise Invalid("The cursor is not one of this list.", field="cursor")
    return keys.index(str(last)) + 1


def _end(until: str, keys: Sequence[str], otherwise: int) -> int:
    """Behind the last key that a page shows so far; it shows all it knows of where it names none. Raises Invalid."""
    if not until:
        return otherwise
    if until not in keys:
        raise Invalid(f"{until[:80]!r} is not one of this list.", field="until")
    return keys.index(until) + 1


def _next(request: PageRequest, last: str) -> str:
    """The address of the list from behind that key on, as a page asks for it that is not yet there."""
    query = request.GET.copy()
    for name in ("known", "until"):
        query.pop(name, None)
    query["cursor"] = encode_cursor([last])
    return f"?{query.urlencode()}"
