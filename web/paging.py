"""Keyset pages over a queryset: the rows of one page, and the address of the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.pagination import decode_cursor, encode_cursor
from web.views.base import PAGE_SIZE

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """`next_url` is a query string that keeps the filters, empty on the last page."""

    rows: Sequence[M]
    next_url: str


def newest_first(rows: QuerySet[M], request: HttpRequest, *, field: str = "id", size: int = PAGE_SIZE) -> Page[M]:
    """Ordered by `field`, a unique one that grows, the largest first. Raises Invalid for a foreign cursor."""
    return _page(rows.order_by(f"-{field}"), request, field, "lt", size)


def by_name(rows: QuerySet[M], request: HttpRequest, *, field: str = "name", size: int = PAGE_SIZE) -> Page[M]:
    """Ordered by `field`, a unique name. Raises Invalid for a foreign cursor."""
    return _page(rows.order_by(field), request, field, "gt", size)


def _page(rows: QuerySet[M], request: HttpRequest, field: str, beyond: str, size: int) -> Page[M]:
    cursor = request.GET.get("cursor", "")
    if cursor:
        rows = rows.filter(**{f"{field}__{beyond}": _bound(cursor)})
    found = list(rows[: size + 1])
    more = len(found) > size
    last = attrgetter(field.replace("__", "."))(found[size - 1]) if more else None
    return Page(found[:size], next_query(request, encode_cursor([last])) if more else "")


def _bound(cursor: str) -> Any:
    [value] = decode_cursor(cursor, 1)
    return value


def next_query(request: HttpRequest, cursor: str) -> str:
    """The query string of this very list from `cursor` on."""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
