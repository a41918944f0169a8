"""Keyset pages over a queryset: the rows of one page, and the address of the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from core.errors import Invalid
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


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a list is ordered, and the address that orders it otherwise, by column. `chosen` is as in `?sort=`."""

    chosen: str
    columns: Sequence[str] = field(default_factory=tuple)
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def column(self) -> str:
        return self.chosen.lstrip("-")

    @property
    def is_descending(self) -> bool:
        return self.chosen.startswith("-")


def sorting_of(request: HttpRequest, fields: Mapping[str, str], *, default: str) -> Sorting:
    """The order that `?sort=` asks for: a key of `fields`, with "-" in front for the largest first. Raises Invalid."""
    chosen = request.GET.get("sort", "") or default
    if chosen.removeprefix("-") not in fields:
        raise Invalid(f"{chosen[:40]!r} is no order of this list; there are {', '.join(fields)}.", field="sort")
    return Sorting(chosen, list(fields), {name: _sort_url(request, name, chosen) for name in fields})


def _sort_url(request: HttpRequest, name: str, chosen: str) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    query["sort"] = f"-{name}" if chosen == name else name
    return f"?{query.urlencode()}"


def ordered(
    rows: QuerySet[M],
    request: HttpRequest,
    sorting: Sorting,
    fields: Mapping[str, str],
    *,
    size: int = PAGE_SIZE,
) -> Page[M]:
    """A page in the order of `sorting`; rows that are equal in it are told apart by id. `fields` are never null.

    Raises Invalid for a foreign cursor.
    """
    name = fields[sorting.column]
    sign, beyond = ("-", "lt") if sorting.is_descending else ("", "gt")
    rows = rows.order_by(f"{sign}{name}", f"{sign}id")
    cursor = request.GET.get("cursor", "")
    try:
        if cursor:
            value, row_id = decode_cursor(cursor, 2)
            rows = rows.filter(Q(**{f"{name}__{beyond}": value}) | Q(**{name: value, f"id__{beyond}": row_id}))
        found = list(rows[: size + 1])
    except (ValidationError, TypeError, ValueError, OverflowError, DataError) as exc:
        raise Invalid("This cursor belongs to another listing.", field="cursor") from exc
    more = len(found) > size
    last = [getattr(found[size - 1], name), found[size - 1].pk] if more else None
    return Page(found[:size], next_query(request, encode_cursor(last)) if last else "")
