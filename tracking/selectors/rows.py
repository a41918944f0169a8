"""Runs with all that a list or a page shows of them, for a whole page of runs in a constant number of queries.

Values are thousands a page, and read by SQL of our own: an object of the ORM for each would cost more than the search.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from core import replica
from tracking.metrics.summary import Summary
from tracking.models import Run, Seal
from tracking.selectors.datasets import UsedVersion, inputs_of, outputs_of
from tracking.values import Scalar, unspell

_PARAMS = "SELECT run_id, key, value, kind FROM tracking_param"
_TAGS = "SELECT run_id, key, value FROM tracking_tag"
_SERIES = f"SELECT run_id, key, {', '.join(Summary._fields)} FROM tracking_series"  # noqa: S608 - constants


@dataclass
class RunRow:
    """A run and what was logged to it; `seal` is the latest one."""

    run: Run
    params: dict[str, Scalar] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Summary] = field(default_factory=dict)
    inputs: list[UsedVersion] = field(default_factory=list)
    outputs: list[UsedVersion] = field(default_factory=list)
    seal: Seal | None = None


@dataclass(frozen=True)
class Columns:
    """Keys to fetch of each kind; None for all of them."""

    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


def run_rows(runs: Sequence[Run], columns: Columns | None = None) -> list[RunRow]:
    """The runs, in the order given, with their values by key. Six queries."""
    rows = {run.pk: RunRow(run) for run in runs}
    columns = columns or Columns()
    for run_id, key, value, kind in _values(_PARAMS, rows, columns.params):
        rows[run_id].params[key] = value if kind == "s" else unspell(value, kind)
    for run_id, key, value in _values(_TAGS, rows, columns.tags):
        rows[run_id].tags[key] = value
    for row in _values(_SERIES, rows, columns.metrics):
        rows[row[0]].metrics[row[1]] = Summary._make(row[2:])
    for use in inputs_of(list(rows)):
        rows[use.run_id].inputs.append(use)
    for made in outputs_of(list(rows)):
        rows[made.run_id].outputs.append(made)
    for seal in Seal.objects.filter(run__in=list(rows)).order_by("number"):
        rows[seal.run_id].seal = seal
    return [rows[run.pk] for run in runs]


def _values(select: str, runs: Collection[int], keys: Sequence[str] | None) -> list[tuple[Any, ...]]:
    """In the order of the primary key, so that nothing has to be sorted."""
    if not runs or (keys is not None and not keys):
        return []
    wanted: dict[str, list[Any]] = {"run_id": list(runs)} | ({} if keys is None else {"key": list(keys)})
    connection = connections[replica.alias()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            where = " AND ".join(f"{name} = ANY(%s)" for name in wanted)
            values: list[Any] = list(wanted.values())
        else:
            where = " AND ".join(f"{name} IN ({', '.join(['%s'] * len(given))})" for name, given in wanted.items())
            values = [value for given in wanted.values() for value in given]
        cursor.execute(f"{select} WHERE {where} ORDER BY run_id, key", values)
        return list(cursor.fetchall())
