"""Moments as PostgreSQL writes them, read by Python's own parser: Django's loader takes them apart by a regular expression, and is made
anew for each statement.
"""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader  # type: ignore[import-untyped]  # the stubs leave it out
from psycopg.adapt import AdaptersMap


class UtcLoader(BaseTzLoader):
    """Of a session in UTC, as ours are. What is written otherwise, or is no moment of Python's, goes Django's way with its errors."""

    timezone = UTC

    def __init__(
        self, oid: int, context: Any = None
    ) -> None:  # psycopg's looks up zone and style here, for each statement
        self.oid = oid
        self.connection = context.connection if context is not None else None

    def load(self, data: Any) -> datetime:
        try:
            found = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return self._as_django(data)
        return found if found.tzinfo is UTC else self._as_django(data)

    def _as_django(self, data: Any) -> datetime:
        found: datetime = _DjangoUtcLoader(self.oid, self.connection).load(data)
        return found


class _DjangoUtcLoader(BaseTzLoader):
    timezone = UTC


@lru_cache
def adapters(known: AdaptersMap, timezone: tzinfo | None) -> AdaptersMap:
    """`known` with the loader above, where moments are to be in UTC."""
    if timezone is not UTC:
        return known
    found = AdaptersMap(known)
    found.register_loader("timestamptz", UtcLoader)
    return found
