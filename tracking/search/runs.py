"""Searching runs: a filter, an order, and a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypedDict, Unpack

from django.conf import settings

from core import replica
from core.access import ProjectRef
from core.errors import Invalid
from core.pagination import DEFAULT_LIMIT, parse_limit
from core.time_limits import time_limit
from tracking.limits import SEARCH_OFFSET
from tracking.search.cursors import cursor_of, position_in
from tracking.search.errors import SearchTooSlow
from tracking.search.order import read_positions, sort_keys
from tracking.search.parser import parse_order
from tracking.search.selection import select
from tracking.selectors.listed import ListedRun, listed_runs


@dataclass(frozen=True, slots=True)
class Page:
    """Runs as lists show them; `next_cursor` is None on the last page."""

    items: list[ListedRun]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """Primary keys of runs in their order, for whoever shows them otherwise than as a `Page` does."""

    ids: list[int]
    next_cursor: str | None


class Asked(TypedDict, total=False):
    """What `find_runs` takes beside the project."""

    filter: str
    order_by: Iterable[str]
    experiments: Collection[str] | None
    lifecycle: str
    limit: int
    cursor: str | None
    offset: int


def search_runs(*, project: ProjectRef, **asked: Unpack[Asked]) -> Page:
    """A page of the runs that `find_runs` finds. One query more."""
    found = find_runs(project=project, **asked)
    return Page(items=listed_runs(found.ids), next_cursor=found.next_cursor)


def find_runs(
    *,
    project: ProjectRef,
    filter: str = "",  # noqa: A002 - what it is called on the wire
    order_by: Iterable[str] = (),
    experiments: Collection[str] | None = None,
    lifecycle: str = "active",
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    offset: int = 0,
) -> Found:
    """A page of the runs that pass `filter`, newest first where `order_by` says no more.

    `experiments` are names, None for all; runs of deleted experiments are hidden. `lifecycle` is active, archived,
    deleted or all. `offset` skips runs, those behind the cursor where there is one, and costs as much as reading them.
    Three to eight queries, whatever the size of the page.

    Raises:
        InvalidFilter, InvalidOrder: with the place that could not be understood.
        ExperimentNotFound: a name that no experiment of the project has.
        Invalid: the cursor, the limit, the offset or the lifecycle.
        SearchTooWide: a value at one step is asked of too many runs.
        SearchTooSlow: it took longer than LINEAL_SEARCH_SECONDS, and was stopped.
    """
    limit, offset = parse_limit(limit), _checked_offset(offset)
    order = parse_order(order_by)
    keys = sort_keys(order)
    after = position_in(cursor, order, keys) if cursor else None
    with time_limit(settings.SLOW_READ_S, SearchTooSlow, using=replica.alias()) as deadline:
        selection = select(
            project=project,
            filter=filter,
            experiments=experiments,
            lifecycle=lifecycle,
            deadline=deadline,
            reach=offset + limit,
        )
        positions = read_positions(selection, keys, limit=offset + limit + 1, after=after)[offset:]
        more = len(positions) > limit
        positions = positions[:limit]
        return Found(
            ids=[position[-1] for position in positions],
            next_cursor=cursor_of(positions[-1], order, keys) if more else None,
        )


def count_runs(
    *,
    project: ProjectRef,
    filter: str = "",  # noqa: A002 - what it is called on the wire
    experiments: Collection[str] | None = None,
    lifecycle: str = "active",
) -> int:
    """How many runs `search_runs` would find in all. Looks at each of them. Raises as `search_runs` does."""
    with time_limit(settings.SLOW_READ_S, SearchTooSlow, using=replica.alias()) as deadline:
        selection = select(
            project=project, filter=filter, experiments=experiments, lifecycle=lifecycle, deadline=deadline
        )
        return selection.runs().count()


def _checked_offset(offset: int) -> int:
    if not 0 <= offset <= SEARCH_OFFSET:
        raise Invalid(
            f"offset goes from 0 to {SEARCH_OFFSET:,}. Farther down, narrow the filter, or follow next_cursor, "
            "which costs the same on every page.",
            field="offset",
        )
    return offset
