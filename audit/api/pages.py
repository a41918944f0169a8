"""Keyset pages of the ledger's own listings, newest first."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor, parse_limit

PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description="1 to 1000; 100 by default."),
    OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
]


def newest_first(
    rows: QuerySet[Any], request: Request, *, key: str, render: Callable[[Sequence[Any]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """`{"items", "next_cursor"}`: the rows before the cursor's, by the unique whole number `key`. Raises Invalid."""
    limit = parse_limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    if cursor:
        (before,) = decode_cursor(cursor, length=1)
        if type(before) is not int or not 0 <= before < 2**63:
            raise Invalid("This cursor belongs to another listing.", field="cursor")
        rows = rows.filter(**{f"{key}__lt": before})
    found = list(rows.order_by(f"-{key}")[: limit + 1])
    more = len(found) > limit
    return {
        "items": render(found[:limit]),
        "next_cursor": encode_cursor([getattr(found[limit - 1], key)]) if more else None,
    }
