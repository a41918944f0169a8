"""Cutting a listing into pages by one unique column, for accounts' own short lists."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import Invalid
from core.pagination import DEFAULT_LIMIT, MAX_LIMIT, decode_cursor, encode_cursor, parse_limit

PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}; {DEFAULT_LIMIT} by default."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


def page(
    rows: QuerySet[Any],
    request: Request,
    *,
    column: str,
    render: Callable[[Any], dict[str, Any]],
    newest_first: bool = False,
) -> dict[str, Any]:
    """`{"items", "next_cursor"}`: the rows after the request's cursor, by the unique `column`. One query.

    Raises:
        Invalid: a limit out of range, or a cursor that is not one of this listing.
    """
    limit = parse_limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    if cursor:
        rows = rows.filter(**{f"{column}__{'lt' if newest_first else 'gt'}": _position(column, cursor)})
    found = list(rows[: limit + 1])
    more = len(found) > limit
    return {
        "items": [render(row) for row in found[:limit]],
        "next_cursor": encode_cursor([_value(found[limit - 1], column)]) if more else None,
    }


def _position(column: str, cursor: str) -> Any:
    (value,) = decode_cursor(cursor, length=1)
    if column == "id" and type(value) is int and abs(value) < 2**63:
        return value
    if column != "id" and isinstance(value, str) and "\0" not in value:  # PostgreSQL's texts hold no NUL
        return value
    raise Invalid("This cursor belongs to another listing.", field="cursor")


def _value(row: Any, column: str) -> Any:
    for part in column.split("__"):
        row = getattr(row, part)
    return row
