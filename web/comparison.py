"""Runs side by side: in what they differ, what they share, and which of them is best by each metric."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Manager
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from core.errors import Invalid
from core.ids import parse_run_id
from tracking import selectors
from tracking.limits import COMPARED_RUNS
from tracking.metrics.summary import Summary
from tracking.models import Param, Run, Series, Tag
from tracking.search.columns import DURATION, OF_RUN
from tracking.selectors import RunRow, UsedVersion
from tracking.selectors.listed import ListedRun
from tracking.selectors.rows import Columns
from web.directions import is_named_low
from web.templatetags.lineal import duration
from web.values import plain, shown_metric

Stat = Literal["last", "min", "max", "best"]
STATS: tuple[Stat, ...] = ("last", "best", "min", "max")
SHOWN_KEYS = 500  # of each kind; what more there are is said
COLOURS = 10  # of the chart palette; beyond them, lines are told apart by their strokes
CODE = ("code.repository", "code.branch", "code.commit", "code.dirty", "environment")
ABOUT = ("status", "experiment", "created_at", DURATION, "created_by", "host", "entry_point")
LABELS = {
    "code.repository": "Repository",
    "code.branch": "Branch",
    "code.commit": "Commit",
    "code.dirty": "Uncommitted changes",
    "environment": "Environment",
    "status": "Status",
    "experiment": "Experiment",
    "created_at": "Started",
    DURATION: "Took",
    "created_by": "By",
    "host": "Host",
    "entry_point": "Entry point",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address says: which runs, in which order, what stands for a metric, and which way its best lies."""

    project: Project
    ids: tuple[UUID, ...]
    stat: Stat = "last"
    low: frozenset[str] = frozenset()
    high: frozenset[str] = frozenset()

    def is_low(self, key: str) -> bool:
        """Whether less is better: as somebody said, else by the name."""
        if key in self.low or key in self.high:
            return key in self.low
        return is_named_low(key)

    def url(self, **changes: Any) -> str:
        other = replace(self, **changes)
        asked: dict[str, Any] = {"runs": ",".join(id_.hex for id_ in other.ids)}
        asked |= {"stat": other.stat} if other.stat != "last" else {}
        asked |= {name: sorted(keys) for name, keys in (("low", other.low), ("high", other.high)) if keys}
        return f"{reverse('web:run_compare', args=[self.project.name])}?{urlencode(asked, doseq=True)}"

    def without(self, id_: UUID) -> str:
        return self.url(ids=tuple(other for other in self.ids if other != id_))

    def turned(self, key: str) -> str:
        """With the best of a metric at the other end."""
        if self.is_low(key):
            return self.url(low=self.low - {key}, high=self.high | {key})
        return self.url(low=self.low | {key}, high=self.high - {key})


def chosen_in(project: Project, query: QueryDict) -> Chosen:
    """Raises Invalid, RunNotFound."""
    texts = [text.strip() for given in (*query.getlist("runs"), *query.getlist("run")) for text in given.split(",")]
    ids = tuple(dict.fromkeys(parse_run_id(text) for text in texts if text))
    if len(ids) > COMPARED_RUNS:
        raise Invalid(f"At most {COMPARED_RUNS} runs are compared at once; these are {len(ids)}.", field="runs")
    stat: Stat = next((known for known in STATS if known == query.get("stat", "")), "last")
    return Chosen(project, ids, stat, frozenset(query.getlist("low")), frozenset(query.getlist("high")))


@dataclass(frozen=True, slots=True)
class Compared:
    """A run as a column of the comparison. `colour` and `dash` count from 1 and 0."""

    run: Run
    id: str
    title: str
    colour: int
    dash: int
    remove_url: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of all runs. `values` are in their order, None where a run has none; `best` are places among them."""

    key: str
    values: Sequence[Any]
    look: str = "text"
    best: frozenset[int] = frozenset()
    is_low: bool = False
    turn_url: str = ""

    @property
    def differs(self) -> bool:
        return len({_same(value) for value in self.values}) > 1


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that differ, and those that do not, which are folded away. `more`: keys beyond those that are shown."""

    differing: Sequence[Line]
    same: Sequence[Line]
    more: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.differing and not self.same


@dataclass(frozen=True, slots=True)
class Comparison:
    runs: Sequence[Compared]
    about: Section
    params: Section
    metrics: Sequence[Line]
    more_metrics: bool
    tags: Section
    code: Section
    data: Section
    axes: Sequence[Mapping[str, Any]]


def compare(chosen: Chosen) -> Comparison:
    """At most ten queries, whatever the number of runs. Raises RunNotFound."""
    runs = _runs(chosen)
    keys = {
        kind: _keys(logged, runs)
        for kind, logged in (("params", Param.objects), ("metrics", Series.objects), ("tags", Tag.objects))
    }
    shown = Columns(**{kind: found[:SHOWN_KEYS] for kind, found in keys.items()})
    rows = selectors.run_rows(runs, shown)
    more = {kind: len(found) > SHOWN_KEYS for kind, found in keys.items()}
    params = [_params(key, rows) for key in shown.params or ()]
    metrics = [_metric(key, rows, chosen) for key in shown.metrics or ()]
    tags = [Line(key, [row.tags.get(key) for row in rows]) for key in shown.tags or ()]
    return Comparison(
        runs=[_compared(number, run, chosen) for number, run in enumerate(runs)],
        about=_section(_attribute(name, rows) for name in ABOUT),
        params=_section(params, more["params"]),
        metrics=metrics,
        more_metrics=more["metrics"],
        tags=_section(tags, more["tags"]),
        code=_section(_attribute(name, rows) for name in CODE),
        data=_section(_data(rows)),
        axes=_axes(params, metrics),
    )


def _runs(chosen: Chosen) -> list[Run]:
    selectors.get_runs(project=chosen.project, ids=chosen.ids)
    rows = Run.objects.select_related("experiment", "parent", "environment").defer("environment__lock")
    found = {run.uuid: run for run in rows.filter(project_id=chosen.project.id, uuid__in=chosen.ids)}
    return [found[id_] for id_ in chosen.ids if id_ in found]


def _keys(logged: Manager[Any], runs: Sequence[Run]) -> list[str]:
    """Sorted, and one more than is shown where there are more."""
    rows = logged.filter(run__in=runs)
    return sorted(rows.order_by().values_list("key", flat=True).distinct()[: SHOWN_KEYS + 1])


def _compared(number: int, run: Run, chosen: Chosen) -> Compared:
    return Compared(
        run=run,
        id=run.uuid.hex,
        title=run.name or run.uuid.hex[:12],
        colour=number % COLOURS + 1,
        dash=number // COLOURS,
        remove_url=chosen.without(run.uuid),
    )


def _section(lines: Iterable[Line], more: bool = False) -> Section:
    known = [line for line in lines if any(value is not None for value in line.values)]
    return Section([line for line in known if line.differs], [line for line in known if not line.differs], more)


def _params(key: str, rows: Sequence[RunRow]) -> Line:
    return Line(key, [plain(row.params[key]) if key in row.params else None for row in rows])


def _attribute(name: str, rows: Sequence[RunRow]) -> Line:
    look = {"status": "state", "created_at": "moment", "code.commit": "digest", "environment": "digest"}
    values = [_took(row.run) if name == DURATION else OF_RUN[name](row.run) for row in rows]
    if name == "code.dirty":
        values = [None if value is None else "yes" if value else "no" for value in values]
    return Line(LABELS[name], values, look.get(name, "text"))


def _took(run: Run | ListedRun) -> str | None:
    return duration(run.created_at, run.ended_at) if run.ended_at or run.is_running else None


def _metric(key: str, rows: Sequence[RunRow], chosen: Chosen) -> Line:
    is_low = chosen.is_low(key)
    values = [_value(row.metrics.get(key), chosen.stat, is_low) for row in rows]
    finite = [value for value in values if value is not None and not math.isnan(value)]
    best = (min if is_low else max)(finite) if len(finite) > 1 else None
    places = frozenset(place for place, value in enumerate(values) if best is not None and value == best)
    return Line(key, values, "number", places, is_low, chosen.turned(key))


def _value(summary: Summary | None, stat: Stat, is_low: bool) -> float | None:
    if summary is None:
        return None
    if stat == "last":
        return shown_metric(summary.last)
    return summary.min if stat == "min" or (stat == "best" and is_low) else summary.max


def _data(rows: Sequence[RunRow]) -> list[Line]:
    """A line for each dataset and purpose, of the digests that each run read or made."""
    uses: dict[str, dict[int, list[str]]] = {}
    for place, row in enumerate(rows):
        for made, group in (("", row.inputs), ("made: ", row.outputs)):
            for use in group:
                name = f"{made}{use.name}{f' ({use.context})' if use.context else ''}"
                uses.setdefault(name, {}).setdefault(place, []).append(_named(use))
    return [
        Line(name, [", ".join(by_run[place]) if place in by_run else None for place in range(len(rows))], "digests")
        for name, by_run in sorted(uses.items())
    ]


def _named(use: UsedVersion) -> str:
    return use.digest or use.uri or str(use.version)


MOST_AXES = 60


def _axes(params: Sequence[Line], metrics: Sequence[Line]) -> list[Mapping[str, Any]]:
    """What can be drawn against what: params that differ, and metrics. Numbers where all values of an axis are."""
    lines = [("param", line) for line in params if line.differs][:MOST_AXES]
    lines += [("metric", line) for line in metrics][:MOST_AXES]
    return [_axis(kind, line) for kind, line in lines]


def _axis(kind: str, line: Line) -> Mapping[str, Any]:
    numbers = [_finite(value) for value in line.values]
    is_number = all(
        value is None or number is not None or kind == "metric"
        for value, number in zip(line.values, numbers, strict=True)
    )
    return {
        "kind": kind,
        "key": line.key,
        "numeric": is_number,
        "low": line.is_low,
        "values": numbers if is_number else list(line.values),
    }


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _same(value: Any) -> Any:
    return "NaN" if isinstance(value, float) and math.isnan(value) else value
