"""The profile of two batches together, out of their two profiles. Which comes first makes no difference."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from lineal._errors import IncompatibleProfiles
from lineal._profiles import kmv, moments, performance
from lineal._profiles.columns import COUNTS, FAMILIES, ROLES, ColumnProfile
from lineal._profiles.counts import Counts
from lineal._profiles.document import Profile
from lineal._profiles.histograms import Histogram
from lineal._profiles.kll import Kll

Part = TypeVar("Part")


def merge(ours: Profile, theirs: Profile) -> Profile:
    """Raises IncompatibleProfiles: another privacy, key, or kind of performance."""
    for name in ("privacy", "key"):
        if getattr(ours, name) != getattr(theirs, name):
            raise IncompatibleProfiles(
                f"the {name} of one profile is {getattr(ours, name)}, of the other {getattr(theirs, name)}"
            )
    embeddings = {
        name: _both(ours.embeddings.get(name), theirs.embeddings.get(name), lambda one, two: one.merged(two))
        for name in {**ours.embeddings, **theirs.embeddings}
    }
    return Profile(
        privacy=ours.privacy,
        key=ours.key,
        rows=ours.rows + theirs.rows,
        columns={
            name: _merged(ours.columns.get(name), theirs.columns.get(name))
            for name in {**ours.columns, **theirs.columns}
        },
        performance=performance.merged(ours.performance, theirs.performance),
        embeddings={name: found for name, found in embeddings.items() if found is not None},
        secret=ours.secret or theirs.secret,
    )


def _both(ours: Part | None, theirs: Part | None, merged: Callable[[Part, Part], Part | None]) -> Part | None:
    """What only one of two profiles has is kept as it is."""
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    return merged(ours, theirs)


def _merged(ours: ColumnProfile | None, theirs: ColumnProfile | None) -> ColumnProfile:
    column = _both(ours, theirs, merge_columns)
    assert column is not None  # noqa: S101 - the name is from one of the two
    return column


def merge_columns(ours: ColumnProfile, theirs: ColumnProfile) -> ColumnProfile:
    """One column of both. Columns of different families have only counts in common."""
    kind = common_type(ours.type, theirs.type)
    counts = {name: getattr(ours, name) + getattr(theirs, name) for name in COUNTS}
    column = ColumnProfile(type=kind, role=max(ours.role, theirs.role, key=ROLES.index), **counts)
    if kind == "other":
        return replace(column, pos_inf=0, neg_inf=0, zeros=0)
    mean, m2 = moments.merged(ours.finite, (ours.mean, ours.m2), theirs.finite, (theirs.mean, theirs.m2))
    return replace(
        column,
        mean=mean,
        m2=m2,
        min=_both(ours.min, theirs.min, min),
        max=_both(ours.max, theirs.max, max),
        values=_part(ours, theirs, "values", Counts.merged),
        hashes=_part(ours, theirs, "hashes", Counts.merged),
        kll=_part(ours, theirs, "kll", Kll.merged),
        kmv=_part(ours, theirs, "kmv", kmv.widened),
        hist=_part(ours, theirs, "hist", Histogram.merged),
    )


def common_type(ours: str, theirs: str) -> str:
    """The type of a column that was of two: `null` gives way, numbers meet as doubles, different families as `other`."""
    types = {ours, theirs} - {"null"} or {"null"}
    if len(types) == 1:
        return types.pop()
    if types == {"i64", "u64"}:
        return "u64"
    if all(FAMILIES[each] == "number" for each in types):
        return "f64"
    return "bin" if types == {"utf8", "bin"} else "other"


def _part(ours: ColumnProfile, theirs: ColumnProfile, name: str, merged: Callable[[Any, Any], Any]) -> Any:
    """A part that one of two columns lacks says nothing of both, unless there are no values in that column."""
    one, two = getattr(ours, name), getattr(theirs, name)
    if not theirs.present and (ours.present or two is None):
        return one
    if not ours.present and (theirs.present or one is None):
        return two
    return merged(one, two) if one is not None and two is not None else None
