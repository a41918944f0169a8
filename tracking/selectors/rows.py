"""Runs with all that a list or a page shows of them, for a whole page of runs in a constant number of queries.

Values are thousands a page, and read by SQL of our own: an object of the ORM for each would cost more than the search.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tracking.metrics.summary import Summary
from tracking.models import Run
from tracking.selectors.datasets import UsedVersion, uses_of
from tracking.selectors.listed import ListedRun, ListedSeal, Rows, among, latest_seals, vendor
from tracking.values import Scalar, unspell

# In the order of the primary keys, so that nothing has to be sorted.
_PARAMS = "SELECT run_id, key, kind, value FROM tracking_param{} ORDER BY run_id, key"
_TAGS = "SELECT run_id, key, value FROM tracking_tag{} ORDER BY run_id, key"
_SERIES = f"SELECT run_id, key, {', '.join(Summary._fields)} FROM tracking_series{{}} ORDER BY run_id, key"  # noqa: S608 - constants
_TOLD_SERIES = _SERIES.replace(" last_time,", "")

# The same as JSON, an object for each run, where nobody looks at single values: a database writes them in the time that it takes
# to hand them over. Floats of metrics are left to us, as SQLite writes fifteen digits of them and PostgreSQL 1 for 1.0.
_OBJECTS = {
    "sqlite": "SELECT run_id, '{{' || group_concat(json_quote(key) || ':' || {value}) || '}}' FROM {table}{{}} GROUP BY run_id",
    "postgresql": (
        "SELECT run_id, '{{' || string_agg(to_json(key)::text || ':' || {value}, ',' ORDER BY key) || '}}' "
        "FROM {table}{{}} GROUP BY run_id"
    ),
}
_QUOTED = {"sqlite": "json_quote(value)", "postgresql": "to_json(value)::text"}
_LEAST, _MOST = str(-(2**63)), str(2**64 - 1)  # as many digits as one another, so that texts compare as numbers do
_IN_64_BITS = (
    f"length(value) < {len(_MOST)} OR length(value) = {len(_MOST)} AND "
    f"value <= CASE substr(value, 1, 1) WHEN '-' THEN '{_LEAST}' ELSE '{_MOST}' END"
)
_UNSPELLED = (  # as `tracking.values.unspell` does
    f"CASE WHEN kind IN ('b', 'n') OR kind = 'f' AND value NOT IN ('NaN', 'Infinity', '-Infinity') OR kind = 'i' AND ({_IN_64_BITS}) "
    "THEN value ELSE {quoted} END"
)


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


def told_series(runs: Collection[int], columns: Columns) -> Rows:
    """Run, key, count, last, last_step, min, min_step, max and max_step, by run and key. One query."""
    return _values(_TOLD_SERIES, runs, columns.metrics)


def params_as_json(runs: Collection[int], columns: Columns) -> Rows:
    """Run, and its params as a JSON object, numbers and booleans as `unspell` reads them; of those that have one. One query."""
    return _values(_objects("tracking_param", _UNSPELLED.replace("{quoted}", _QUOTED[vendor()])), runs, columns.params)


def tags_as_json(runs: Collection[int], columns: Columns) -> Rows:
    """Likewise, all of them texts."""
    return _values(_objects("tracking_tag", _QUOTED[vendor()]), runs, columns.tags)


def _objects(table: str, value: str) -> str:
    return _OBJECTS[vendor()].format(value=value, table=table)


def _values(select: str, runs: Collection[int], keys: Sequence[str] | None) -> Rows:
    return among(select, {"run_id": runs} if keys is None else {"run_id": runs, "key": keys})
