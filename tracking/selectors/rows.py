"""Runs with all that a list or a page shows of them, for a whole page of runs in a constant number of queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tracking.metrics.summary import Summary
from tracking.models import Param, Run, RunInput, RunOutput, Seal, Series, Tag
from tracking.values import Scalar, unspell

_SUMMARY_FIELDS = ("count", "last", "last_step", "last_time", "min", "min_step", "max", "max_step")


@dataclass
class RunRow:
    """A run and what was logged to it; `seal` is the latest one."""

    run: Run
    params: dict[str, Scalar] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Summary] = field(default_factory=dict)
    inputs: list[RunInput] = field(default_factory=list)
    outputs: list[RunOutput] = field(default_factory=list)
    seal: Seal | None = None


@dataclass(frozen=True)
class Columns:
    """Keys to fetch of each kind; None for all of them."""

    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    metrics: Sequence[str] | None = None


def run_rows(runs: Sequence[Run], columns: Columns | None = None) -> list[RunRow]:
    """The runs, in the order given, with their values. Six queries."""
    rows = {run.pk: RunRow(run) for run in runs}
    columns = columns or Columns()
    _fill_values(rows, columns)
    _fill_metrics(rows, columns.metrics)
    for use in RunInput.objects.filter(run__in=list(rows)).select_related("version__dataset").order_by("id"):
        rows[use.run_id].inputs.append(use)
    for made in RunOutput.objects.filter(run__in=list(rows)).select_related("version__dataset").order_by("id"):
        rows[made.run_id].outputs.append(made)
    for seal in Seal.objects.filter(run__in=list(rows)).order_by("number"):
        rows[seal.run_id].seal = seal
    return [rows[run.pk] for run in runs]


def _fill_values(rows: Mapping[int, RunRow], columns: Columns) -> None:
    params = Param.objects.filter(run__in=list(rows)).order_by("key")
    if columns.params is not None:
        params = params.filter(key__in=columns.params)
    for run_id, key, value, kind in params.values_list("run_id", "key", "value", "kind"):
        rows[run_id].params[key] = unspell(value, kind)
    tags = Tag.objects.filter(run__in=list(rows)).order_by("key")
    if columns.tags is not None:
        tags = tags.filter(key__in=columns.tags)
    for run_id, key, value in tags.values_list("run_id", "key", "value"):
        rows[run_id].tags[key] = value


def _fill_metrics(rows: Mapping[int, RunRow], keys: Sequence[str] | None) -> None:
    found: dict[int, dict[str, Summary]] = defaultdict(dict)
    series = Series.objects.filter(run__in=list(rows)).order_by("key")
    if keys is not None:
        series = series.filter(key__in=keys)
    for run_id, key, *numbers in series.values_list("run_id", "key", *_SUMMARY_FIELDS):
        found[run_id][key] = Summary(**dict(zip(_SUMMARY_FIELDS, numbers, strict=True)))
    for run_id, metrics in found.items():
        rows[run_id].metrics = metrics
