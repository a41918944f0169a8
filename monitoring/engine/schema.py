"""Columns that went, came or changed their type: facts, that need no test and no number of rows."""

from collections.abc import Iterator, Mapping

from monitoring.engine.limits import Limits
from monitoring.engine.results import SchemaChange, State
from monitoring.profiles.parts import ColumnProfile


def find_changes(
    baseline: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile], limits: Limits
) -> tuple[SchemaChange, ...]:
    """Labels may come and go, since they come late, and predictions be new, since models are trained before they predict.

    A column whose values are all missing has no type to differ by.
    """
    changes = [*_dropped(baseline, window), *_changed(baseline, window), *_added(baseline, window)]
    return tuple(change for change in changes if not limits.of(change.column).ignore)


def _dropped(baseline: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile]) -> Iterator[SchemaChange]:
    for name, column in baseline.items():
        if name not in window and column.role != "label":
            message = f"{name}: the {column.role} is in the baseline ({column.type}) and not in the window."
            state: State = "critical" if column.role == "feature" else "warn"
            yield SchemaChange(name, column.role, "dropped", column.type, None, state, message)


def _changed(baseline: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile]) -> Iterator[SchemaChange]:
    for name, now in window.items():
        before = baseline.get(name)
        if (
            before is None
            or now.role == "label"
            or "null" in (before.family, now.family)
            or before.family == now.family
        ):
            continue
        kind = "values of several types" if now.family == "other" else f"{now.type} ({now.family})"
        message = f"{name}: the type was {before.type} ({before.family}) and is now {kind}."
        yield SchemaChange(name, now.role, "type_changed", before.type, now.type, "critical", message)


def _added(baseline: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile]) -> Iterator[SchemaChange]:
    for name, column in window.items():
        if name not in baseline and column.role == "feature":
            message = f"{name}: the feature ({column.type}) is not in the baseline."
            yield SchemaChange(name, column.role, "added", None, column.type, "warn", message)


def schema_notes(
    baseline: Mapping[str, ColumnProfile], window: Mapping[str, ColumnProfile], limits: Limits
) -> Iterator[str]:
    """What is worth knowing and no alarm: types that differ within one family, and predictions without a baseline."""
    for name, now in window.items():
        before = baseline.get(name)
        if limits.of(name).ignore:
            continue
        if before is None and now.role == "prediction":
            yield f"{name}: the baseline has no predictions, so their drift is not judged."
        elif before is not None and before.family == now.family and before.type != now.type:
            yield f"{name}: the type was {before.type} and is now {now.type}; both are compared as {now.family}."
