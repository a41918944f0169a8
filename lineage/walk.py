"""The recursive statements that walk the graph. Raw SQL, because the ORM cannot say WITH RECURSIVE.

`UNION`, not `UNION ALL`: a node reached twice is kept once, so diamonds cost nothing and a stray cycle would still end.

Every step is one look into an index for each node reached, and PostgreSQL is held to that: it cannot know how many nodes a walk
reaches, guesses tens of thousands, and would read whole tables to join them with the dozen that there are.
"""

# ruff: noqa: S608 - only column names of `Direction` are pasted in; values are parameters

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any

import orjson
from django.db import connection, connections

from core import replica
from core.time_limits import Deadline
from core.time_limits import time_limit as core_time_limit
from lineage.errors import WalkTooSlow

TIME_LIMIT_MS = 5_000  # the measured worst on a hostile graph of a million nodes is 3.3 s


class Direction(Enum):
    """Which way an edge is walked: (the end we stand on, the end we go to)."""

    UPSTREAM = ("dst_id", "src_id")
    DOWNSTREAM = ("src_id", "dst_id")


NodeRow = tuple[int, int, int, str, bool]  # id, project id, kind code, key, live
EdgeRow = tuple[int, int, int]  # src id, dst id, kind code


def walk_nodes(*, starts: Sequence[int], direction: Direction, limit: int) -> list[NodeRow]:
    """The nodes reachable from `starts`, themselves included, at most `limit` of them."""
    statement = (
        f"{_reached(direction)} SELECT node.id, node.project_id, node.kind, node.key, node.live"
        f" FROM (SELECT id FROM reached LIMIT %s) capped {_each('node', 'id', 'capped.id')}"
    )
    return _rows(statement, [_ids(starts), limit])


def walk_edges(*, starts: Sequence[int], direction: Direction, limit: int) -> list[EdgeRow]:
    """The edges walked on the way to the first `limit` nodes reachable from `starts`."""
    standing, _ = direction.value
    statement = (
        f"{_reached(direction)} SELECT edge.src_id, edge.dst_id, edge.kind"
        f" FROM (SELECT id FROM reached LIMIT %s) capped {_each('edge', standing, 'capped.id')}"
    )
    return _rows(statement, [_ids(starts), limit])


def is_reachable(*, start: int, goal: int) -> bool:
    """Whether `goal` is `start` or downstream of it."""
    statement = _reached(Direction.DOWNSTREAM) + " SELECT 1 FROM reached WHERE id = %s LIMIT 1"
    return bool(_rows(statement, [_ids([start]), goal]))


def time_limit(milliseconds: int = TIME_LIMIT_MS) -> AbstractContextManager[Deadline]:
    """Let the walks inside take no longer than this in all. One snapshot is not promised across statements.

    Raises:
        WalkTooSlow: they did, and were stopped.
    """
    return core_time_limit(milliseconds / 1_000, _too_slow, using=replica.alias())


def _too_slow(seconds: float) -> WalkTooSlow:
    return WalkTooSlow(f"The walk took longer than {seconds:g} s. Ask from fewer nodes, or with a lower max_nodes.")


def _reached(direction: Direction) -> str:
    standing, going = direction.value
    step = _each("edge", standing, "reached.id")
    return f"WITH RECURSIVE reached(id) AS ({_starts()} UNION SELECT edge.{going} FROM reached {step})"


def _each(table: str, column: str, value: str) -> str:
    """Join the rows of a table of ours of which `column` is `value`, looked up for each row on the left.

    OFFSET 0 keeps PostgreSQL from making any other join of it; SQLite joins in no other way.
    """
    if connection.vendor == "postgresql":
        return f"CROSS JOIN LATERAL (SELECT * FROM lineage_{table} WHERE {column} = {value} OFFSET 0) {table}"
    return f"JOIN lineage_{table} {table} ON {table}.{column} = {value}"


def _starts() -> str:
    """One parameter for any number of starts, as a JSON list: SQLite caps the number of parameters."""
    if connection.vendor == "postgresql":
        return "SELECT value::bigint FROM jsonb_array_elements_text(%s::jsonb)"
    return "SELECT value FROM json_each(%s)"


def _ids(nodes: Sequence[int]) -> str:
    return orjson.dumps(list(nodes)).decode()


def _rows(statement: str, parameters: Sequence[str | int]) -> list[Any]:
    with connections[replica.alias()].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
