"""Runs with all that a list or a page shows of them, for a whole page of runs in a constant number of queries.

Values are thousands a page, and read by SQL of our own: an object of the ORM for each would cost more than the search.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tracking.metrics.summary import Summary
from tracking.models import Run
from tracking.selectors.datasets import UsedVersion, uses_of
from tracking.selectors.listed import ListedRun, ListedSeal, Rows, among, latest_seals
from tracking.values import Scalar, unspell

# In the order of the primary keys, so that nothing has to be sorted.
_PARAMS = "SELECT run_id, key, kind, value FROM tracking_param{} ORDER BY run_id, key"
_TAGS = "SELECT run_id, key, value FROM tracking_tag{} ORDER BY run_id, key"
_SERIES = f"SELECT run_id, key, {', '.join(Summary._fields)} FROM tracking_series{{}} ORDER BY run_id, key"  # noqa: S608 - constants


@dataclass
class RunRow:
    """A run and what was logged to it; `seal` is the latest one."""

    run: Run | ListedRun
    params: dict[str, Scalar] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Summary] = field(default_factory=dict)
    inputs: list[UsedVersion] = field(default_factory=list)
    outputs: list[UsedVersion] = field(default_factory=list)
    seal: ListedSeal | None = None


@dataclass(frozen=True)
class Columns:
    """Keys to fetch of each kind; None for all of them."""

    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


def run_rows(runs: Sequence[Run] | Sequence[ListedRun], columns: Columns | None = None) -> list[RunRow]:
    """The runs, in the order given, with their values by key. Five queries."""
    rows = {run.pk: RunRow(run) for run in runs}
    columns = columns or Columns()
    for run_id, key, value in params_of(rows, columns):
        rows[run_id].params[key] = value
    for run_id, key, value in tags_of(rows, columns):
        rows[run_id].tags[key] = value
    for row in series_of(rows, columns):
        rows[row[0]].metrics[row[1]] = Summary._make(row[2:])
    inputs, outputs = uses_of(rows)
    for use in inputs:
        rows[use.run_id].inputs.append(use)
    for made in outputs:
        rows[made.run_id].outputs.append(made)
    for run_id, seal in latest_seals(rows).items():
        rows[run_id].seal = seal
    return [rows[run.pk] for run in runs]


def params_of(runs: Collection[int], columns: Columns) -> list[tuple[int, str, Scalar]]:
    """Run, key and value, by run and key. One query, as for the others."""
    return [
        (run_id, key, value if kind == "s" else unspell(value, kind))
        for run_id, key, kind, value in _values(_PARAMS, runs, columns.params)
    ]


def tags_of(runs: Collection[int], columns: Columns) -> Rows:
    """Run, key and value, likewise."""
    return _values(_TAGS, runs, columns.tags)


def series_of(runs: Collection[int], columns: Columns) -> Rows:
    """Run, key and the fields of a `Summary`, likewise."""
    return _values(_SERIES, runs, columns.metrics)


def _values(select: str, runs: Collection[int], keys: Sequence[str] | None) -> Rows:
    return among(select, {"run_id": runs} if keys is None else {"run_id": runs, "key": keys})
