"""Reads of metrics: summaries, whole histories, and charts, from chunks and from batches not yet rewritten."""

from collections.abc import Iterable, Sequence

from tracking.errors import SeriesNotFound
from tracking.metrics import codec
from tracking.metrics.downsample import thin
from tracking.metrics.points import EMPTY, Points, concat
from tracking.metrics.summary import Summary
from tracking.models import Batch, Chunk, Run, Series

EXACT_CHART_POINTS = 200_000  # up to here a chart decodes every point; beyond, it draws from the outlines of chunks


def metric_summaries(run: Run) -> dict[str, Summary]:
    """Summary of each metric by key, in order of key. One query."""
    rows = Series.objects.filter(run=run).order_by("key").values_list("key", *Summary._fields)
    return {row[0]: Summary._make(row[1:]) for row in rows}


def read_points(run: Run, keys: Sequence[str]) -> dict[str, Points]:
    """Whole histories, oldest step first. Two queries, whatever the number of keys.

    Raises:
        SeriesNotFound: the run has no metric of one of the keys.
    """
    return _read(run, keys, column="payload")


def read_chart(run: Run, keys: Sequence[str], *, max_points: int, after_step: int | None = None) -> dict[str, Points]:
    """Histories thinned to `max_points` each, spikes and ends kept; only steps beyond `after_step` where one is given.

    Raises:
        SeriesNotFound: the run has no metric of one of the keys.
    """
    counts = _counts(run, keys)
    column = "payload" if sum(counts.values()) <= EXACT_CHART_POINTS or after_step is not None else "outline"
    series = _read(run, keys, column=column)
    if after_step is not None:
        series = {key: points[points.steps > after_step] for key, points in series.items()}
    return {key: thin(points, max_points=max_points) for key, points in series.items()}


def _read(run: Run, keys: Sequence[str], *, column: str) -> dict[str, Points]:
    """Chunks first, then batches: together the order of arrival. A worker moves points from one to the other in one
    transaction, so chunks are read after the batches' ids were, and points seen in both are taken once.
    """
    _counts(run, keys)
    batches = list(Batch.objects.filter(run=run).order_by("id").values_list("pk", "payload"))
    parts: dict[str, list[Points]] = {key: [] for key in keys}
    chunks = Chunk.objects.filter(run=run, key__in=keys).order_by("key", "id").values_list("key", column)
    for key, payload in chunks.iterator():
        parts[key].append(codec.decode(payload))
    still_there = set(Batch.objects.filter(pk__in=[pk for pk, _ in batches]).values_list("pk", flat=True))
    if len(still_there) != len(batches):
        return _read(run, keys, column=column)  # some were moved while we read; what we have may hold them twice
    _add_batches(parts, (payload for _, payload in batches))
    return {key: concat(found).by_step() if found else EMPTY for key, found in parts.items()}


def _add_batches(parts: dict[str, list[Points]], payloads: Iterable[bytes | memoryview]) -> None:
    for payload in payloads:
        for key, points in codec.unpack(payload):
            if key in parts:
                parts[key].append(points)


def _counts(run: Run, keys: Sequence[str]) -> dict[str, int]:
    counts = dict(Series.objects.filter(run=run, key__in=keys).values_list("key", "count"))
    for key in keys:
        if key not in counts:
            raise SeriesNotFound(key)
    return counts
