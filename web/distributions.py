"""A column's baseline and one window of it over the same cells, as shares of rows, for drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from monitoring.profiles.kll import Kll
from monitoring.profiles.parts import ColumnProfile, Histogram, ValueCounts
from web.drawings import short

SHOWN_VALUES = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Distribution:
    """`reference` and `current` are shares of the rows that have a value, 0 to 1, one for each label."""

    labels: Sequence[str]
    reference: Sequence[float]
    current: Sequence[float]
    about: str


def distribution(baseline: ColumnProfile, window: ColumnProfile) -> Distribution | None:
    """By value where both know all values or their most frequent ones, else over the baseline's bins or cells; None where
    the two share neither.
    """
    if baseline.hist is not None and baseline.hist.kind == "bins":
        return _by_bins(baseline, baseline.hist, window)
    if baseline.values and window.values:
        return _by_value(baseline, baseline.values, window.values)
    if baseline.hist is not None and window.hist is not None and baseline.hist.id == window.hist.id:
        return _by_cell(baseline.hist, window.hist)
    return None


def _by_value(column: ColumnProfile, reference: ValueCounts, current: ValueCounts) -> Distribution | None:
    before, after = dict(reference.items), dict(current.items)
    totals = (sum(before.values()) + reference.other, sum(after.values()) + current.other)
    if not all(totals):
        return None
    shown = sorted(before.keys() | after.keys(), key=lambda value: -max(before.get(value, 0), after.get(value, 0)))
    shown = shown[:SHOWN_VALUES]
    if column.family != "text":
        shown.sort()
    labels = [_named(column, value) for value in shown]
    shares = [
        [counts.get(value, 0) / total for value in shown] for counts, total in zip((before, after), totals, strict=True)
    ]
    if any(1 - sum(each) > 1e-9 for each in shares):
        labels.append("others")
        shares = [[*each, max(0.0, 1 - sum(each))] for each in shares]
    return Distribution(labels, shares[0], shares[1], "by value")


def _by_bins(baseline: ColumnProfile, pinned: Histogram, window: ColumnProfile) -> Distribution | None:
    """The bins have about equal shares in the baseline: they are its deciles, so any lean shows."""
    if pinned.edges is None:
        return None
    if window.hist is not None and window.hist.id == pinned.id:
        counts, about = window.hist.counts, "over the baseline's bins, counted"
    elif window.kll is not None and window.kll.n:
        counts, about = _binned(window.kll, pinned.edges), "over the baseline's bins, from the window's sketch"
    else:
        return None
    if not pinned.counts.sum() or not counts.sum():
        return None
    edges = [_named(baseline, float(edge)) for edge in pinned.edges]
    labels = [f"to {edges[0]}", *(f"to {edge}" for edge in edges[1:]), f"over {edges[-1]}"] if edges else ["all"]
    return Distribution(labels, (pinned.counts / pinned.counts.sum()).tolist(), (counts / counts.sum()).tolist(), about)


def _binned(
    sketch: Kll, edges: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    values, weights = sketch.weighted()
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, weights=weights, minlength=len(edges) + 1).astype(np.int64)


def _by_cell(pinned: Histogram, current: Histogram) -> Distribution | None:
    if not pinned.counts.sum() or not current.counts.sum():
        return None
    names = [f"{int(each):016x}"[:6] for each in pinned.hashes] if pinned.hashes is not None else []
    labels = names if len(names) == len(pinned.counts) else [*names, "others"]
    order = np.argsort(-pinned.counts[: len(labels)], kind="stable")[:SHOWN_VALUES]
    return Distribution(
        [labels[at] for at in order],
        (pinned.counts[order] / pinned.counts.sum()).tolist(),
        (current.counts[order] / current.counts.sum()).tolist(),
        "by hashed value: the profile is strict and names none",
    )


def _named(column: ColumnProfile, value: float | str) -> str:
    if isinstance(value, str):
        return value if len(value) <= 24 else value[:23] + "…"
    if column.family == "bool":
        return "true" if value else "false"
    if column.family == "time" and column.type in ("ts", "ts_utc", "date"):
        step = timedelta(days=value) if column.type == "date" else timedelta(microseconds=value / 1000)
        return (_EPOCH + step).strftime("%Y-%m-%d" if column.type == "date" else "%m-%d %H:%M")
    return short(value)
