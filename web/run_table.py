"""The table of a list of runs: which columns it has, how one sorts by them, and what stands in its cells."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tracking.models import Param, Run, Series
from tracking.search.columns import DURATION, KINDS, Column, fetched, join_columns, value_of
from tracking.selectors import RunRow, run_rows
from tracking.selectors.listed import ListedRun
from web.run_listing import Listing
from web.values import plain

SAMPLED_RUNS = 5  # of a page: their keys stand for the others', so that runs with thousands of metrics stay cheap
SAMPLED_KEYS = 400
METRIC_COLUMNS = 4
PARAM_COLUMNS = 4
DIFFERING_COLUMNS = 40  # that are tried, where only those in which runs differ are shown
SHORT_ID = 12
USUAL = tuple(Column("attributes", key) for key in ("status", "created_at", DURATION))
EXPERIMENT = Column("attributes", "experiment")
GROUPS = {"attributes": "Run", "params": "Params", "metrics": "Metrics", "tags": "Tags", "datasets": "Data"}
ORDER = ("attributes", *(kind for kind in KINDS if kind != "attributes"))
TITLES = {
    "status": "Status",
    "experiment": "Experiment",
    "created_at": "Started",
    "ended_at": "Ended",
    DURATION: "Took",
    "created_by": "By",
    "host": "Host",
    "os_user": "User on host",
    "entry_point": "Entry point",
    "code.repository": "Repository",
    "code.commit": "Commit",
    "code.branch": "Branch",
    "code.dirty": "Uncommitted",
    "environment": "Environment",
    "parent": "Parent",
    "sealed": "Sealed",
    "id": "Id",
    "description": "Description",
}
LOOKS = {
    "status": "state",
    "lifecycle": "state",
    "created_at": "moment",
    "ended_at": "moment",
    DURATION: "duration",
    "experiment": "experiment",
    "id": "digest",
    "experiment_id": "digest",
    "parent": "run",
    "code.commit": "digest",
    "environment": "digest",
    "code.dirty": "flag",
    "sealed": "flag",
}


@dataclass(frozen=True, slots=True)
class Head:
    """A column with its head. `sorted` is "", "ascending" or "descending", as ARIA says it."""

    column: Column
    sorted: str = ""
    sort_url: str = ""

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def title(self) -> str:
        return TITLES.get(self.column.key, self.column.title) if self.column.kind == "attributes" else self.column.title

    @property
    def is_number(self) -> bool:
        return self.column.is_number

    @property
    def look(self) -> str:
        """How the template shows its cells."""
        if self.column.kind == "metrics":
            return "line" if self.column.is_line else "number"
        return LOOKS.get(self.column.key, "text") if self.column.kind == "attributes" else "text"


@dataclass(frozen=True, slots=True)
class Cell:
    head: Head
    value: Any


@dataclass(frozen=True, slots=True)
class Line:
    """What a script draws of a metric's points once the table is there, and its last value, which is there before."""

    key: str
    count: int
    last: float


@dataclass(frozen=True, slots=True)
class Row:
    run: Run | ListedRun
    id: str
    cells: Sequence[Cell]

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    span: int


@dataclass(frozen=True, slots=True)
class Table:
    heads: Sequence[Head]
    rows: Sequence[Row]
    alike: Sequence[str] = ()  # columns that were left out, since all these runs are alike there

    @property
    def running(self) -> int:
        return sum(row.run.is_running for row in self.rows)

    @property
    def columns(self) -> Sequence[Column]:
        return [head.column for head in self.heads]

    @property
    def written(self) -> str:
        return join_columns(self.columns)

    @property
    def groups(self) -> Sequence[Group]:
        kinds = groupby(self.heads, key=lambda head: head.column.kind)
        return [Group(GROUPS[kind], len(list(heads))) for kind, heads in kinds]


def table_of(listing: Listing, runs: Sequence[ListedRun], columns: Sequence[Column]) -> Table:
    """`columns` as somebody picked them; without any, the usual ones. At most eight queries."""
    wanted = list(columns) or usual_columns(listing, runs)
    wanted.sort(key=lambda column: ORDER.index(column.kind))
    rows = run_rows(runs, fetched(wanted))
    alike = _alike(rows, wanted) if listing.differing and len(rows) > 1 else []
    heads = [_head(column, listing) for column in wanted if column not in alike]
    return Table(heads, [_row(row, heads) for row in rows], [column.title for column in alike])


def rows_of(listing: Listing, runs: Sequence[ListedRun], columns: Sequence[Column]) -> Table:
    """The same columns for other runs, none left out."""
    heads = [_head(column, listing) for column in columns]
    return Table(heads, [_row(row, heads) for row in run_rows(runs, fetched(columns))])


def usual_columns(listing: Listing, runs: Sequence[ListedRun]) -> list[Column]:
    """What every run has, and the commonest metrics and params of the first runs of a page. Two queries."""
    sample = [run.pk for run in runs[:SAMPLED_RUNS]]
    metrics = Series.objects.filter(run__in=sample).order_by("key").values_list("key", flat=True)[:SAMPLED_KEYS]
    params = Param.objects.filter(run__in=sample).order_by("key").values_list("key", flat=True)[:SAMPLED_KEYS]
    most = DIFFERING_COLUMNS if listing.differing else 0
    return [
        *([] if listing.experiment else [EXPERIMENT]),
        *USUAL,
        *(Column("params", key) for key in _commonest(params, most or PARAM_COLUMNS)),
        *(Column("metrics", key, "last") for key in _commonest(metrics, METRIC_COLUMNS)),
    ]


def _commonest(keys: Iterable[str], most: int) -> list[str]:
    """By count, and by name among equals, so that columns stay where they are from page to page."""
    counted = Counter(keys)
    return sorted(sorted(counted), key=lambda key: -counted[key])[:most]


def _alike(rows: Sequence[RunRow], columns: Sequence[Column]) -> list[Column]:
    return [
        column for column in columns if not column.is_line and len({_key(value_of(row, column)) for row in rows}) == 1
    ]


def _key(value: Any) -> Any:
    """NaN is like NaN here, and 1 is not like True."""
    return (type(value).__name__, "NaN" if isinstance(value, float) and math.isnan(value) else value)


def _row(row: RunRow, heads: Sequence[Head]) -> Row:
    return Row(row.run, row.run.uuid.hex, [Cell(head, _shown(row, head.column)) for head in heads])


def _shown(row: RunRow, column: Column) -> Any:
    value = value_of(row, column)
    if column.is_line and value is not None:
        return Line(column.key, row.metrics[column.key].count, value)
    if column.kind == "params":
        return plain(value) if column.key in row.params else None
    return value


def _head(column: Column, listing: Listing) -> Head:
    """Largest first, and the other way round when asked again."""
    if not column.is_ordered:
        return Head(column)
    state = {f"{column.name} desc": "descending", f"{column.name} asc": "ascending", column.name: "ascending"}.get(
        _without_case_of_direction(listing.order_by), ""
    )
    return Head(column, state, listing.url(order_by=f"{column.name} {'ASC' if state == 'descending' else 'DESC'}"))


def _without_case_of_direction(order_by: str) -> str:
    name, _, direction = order_by.rpartition(" ")
    return f"{name} {direction.lower()}" if direction.lower() in {"asc", "desc"} else order_by
