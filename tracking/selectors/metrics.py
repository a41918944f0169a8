"""Reads of metrics: summaries, whole histories, and charts of one run. Those of many are in `tracking.selectors.charts`."""

from collections.abc import Collection, Mapping, Sequence

from tracking.errors import SeriesNotFound
from tracking.metrics.points import Points, concat
from tracking.metrics.summary import Summary
from tracking.models import Run, Series
from tracking.selectors.charts import Chart, Span, read_charts
from tracking.selectors.points import Name, Piece, chunks_of, payloads, points_of, read_settled


def metric_summaries(run: Run) -> dict[str, Summary]:
    """Summary of each metric by key, in order of key. One query."""
    rows = Series.objects.filter(run=run).order_by("key").values_list("key", *Summary._fields)
    return {row[0]: Summary._make(row[1:]) for row in rows}


def read_points(run: Run, keys: Sequence[str], *, after_step: int | None = None) -> dict[str, Points]:
    """Whole histories, oldest step first; only steps beyond `after_step` where one is given. Few queries, whatever the number of keys.

    Raises:
        SeriesNotFound: the run has no metric of one of the keys.
    """
    found = read_settled([run.pk], keys, lambda series: _all_of(series, after_step))
    return {key: found[run.pk, key] for key in _all_known(keys, {key for _, key in found})}


def read_chart(
    run: Run,
    keys: Sequence[str],
    *,
    max_points: int,
    since: Mapping[str, int] | None = None,
    steps: Span | None = None,
) -> dict[str, Chart]:
    """As `read_charts`, of one run, by key.

    Raises:
        SeriesNotFound: the run has no metric of one of the keys.
    """
    known = {(run.pk, key): count for key, count in (since or {}).items()}
    found = read_charts([run.pk], keys, max_points=max_points, since=known, steps=steps)
    return {key: found[run.pk, key] for key in _all_known(keys, {key for _, key in found})}


def _all_known(keys: Sequence[str], found: Collection[str]) -> Sequence[str]:
    for key in keys:
        if key not in found:
            raise SeriesNotFound(key)
    return keys


def _all_of(series: Mapping[Name, Sequence[Piece]], after_step: int | None) -> dict[Name, Points]:
    wanted = {
        name: [piece for piece in pieces if after_step is None or piece.last_step > after_step]
        for name, pieces in series.items()
    }
    whole = payloads([pk for pieces in wanted.values() for pk in chunks_of(pieces)])
    found = {}
    for name, pieces in wanted.items():
        points = concat([points_of(piece, whole) for piece in pieces]).by_step()
        found[name] = points if after_step is None else points[points.steps > after_step]
    return found
