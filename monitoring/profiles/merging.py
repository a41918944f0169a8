"""Merging profiles: the profile of two tables together, out of theirs. No sum here depends on which of the two comes first."""

import math
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from monitoring.profiles import kll
from monitoring.profiles.document import MOST_COLUMNS
from monitoring.profiles.errors import IncompatibleProfiles
from monitoring.profiles.hashing import Hashes
from monitoring.profiles.merging_performance import merge_embeddings, merge_performance
from monitoring.profiles.parts import FAMILY_OF, KMV_SIZE, MOST_VALUES, ColumnProfile, Histogram, Role, ValueCounts
from monitoring.profiles.profile import Profile
from monitoring.profiles.reading_columns import by_count

T = TypeVar("T")

_ROLES: tuple[Role, ...] = ("label", "prediction", "feature")  # the first that either profile says


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both tables together; the columns of `a` come first.

    Raises:
        IncompatibleProfiles: another privacy or key, another kind of model, or more columns or classes than a profile may have.
    """
    if (a.privacy, a.key) != (b.privacy, b.key):
        raise IncompatibleProfiles(
            f"A {a.privacy} profile under key {a.key} does not merge with a {b.privacy} one under key {b.key}."
        )
    columns = dict(a.columns)
    for name, column in b.columns.items():
        columns[name] = merge_columns(columns[name], column) if name in columns else column
    if len(columns) > MOST_COLUMNS:
        raise IncompatibleProfiles(f"Together the two have {len(columns)} columns, and {MOST_COLUMNS} is the most.")
    return Profile(
        a.privacy,
        a.key,
        a.rows + b.rows,
        columns,
        merge_performance(a.performance, b.performance),
        merge_embeddings(a.embeddings, b.embeddings),
    )


def merge_columns(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile:
    """One column of both tables together."""
    kind = _common_type(a.type, b.type)
    role = min(a.role, b.role, key=_ROLES.index)
    rows, nulls, nan = a.n + b.n, a.nulls + b.nulls, a.nan + b.nan
    if kind == "other":
        return ColumnProfile(kind, FAMILY_OF[kind], role, rows, nulls, nan)
    mean, m2 = _merge_moments(a, b)
    return ColumnProfile(
        type=kind,
        family=FAMILY_OF[kind],
        role=role,
        n=rows,
        nulls=nulls,
        nan=nan,
        pos_inf=a.pos_inf + b.pos_inf,
        neg_inf=a.neg_inf + b.neg_inf,
        zeros=a.zeros + b.zeros,
        mean=mean,
        m2=m2,
        min=min((end for end in (a.min, b.min) if end is not None), default=None),
        max=max((end for end in (a.max, b.max) if end is not None), default=None),
        values=_joined(a, b, a.values, b.values, _merge_counts),
        hashes=_joined(a, b, a.hashes, b.hashes, _merge_counts),
        kll=_joined(a, b, a.kll, b.kll, kll.merge),
        kmv=_joined(a, b, a.kmv, b.kmv, _merge_kmv),
        hist=_joined(a, b, a.hist, b.hist, _merge_histograms),
    )


def _common_type(a: str, b: str) -> str:
    both = {a, b}
    if len(both) == 1:
        return a
    if "null" in both:
        return b if a == "null" else a
    if both == {"i64", "u64"}:
        return "u64"
    if both == {"utf8", "bin"}:
        return "bin"
    return "f64" if FAMILY_OF[a] == FAMILY_OF[b] == "number" else "other"


def _joined(
    a: ColumnProfile, b: ColumnProfile, of_a: T | None, of_b: T | None, join: Callable[[T, T], T | None]
) -> T | None:
    """A part that one side lacks is lost, unless that side has no values that could be missed in it."""
    if of_a is not None and of_b is not None:
        return join(of_a, of_b)
    if of_a is None:
        return of_b if not a.present else None
    return of_a if not b.present else None


def _merge_moments(a: ColumnProfile, b: ColumnProfile) -> tuple[float | None, float | None]:
    """Mean and sum of squared differences of both (Chan, Golub and LeVeque, 1983)."""
    if a.mean is None or a.m2 is None:
        return b.mean, b.m2
    if b.mean is None or b.m2 is None:
        return a.mean, a.m2
    n = a.finite + b.finite
    mean = (a.finite * a.mean + b.finite * b.mean) / n
    if not math.isfinite(mean):  # the sum overflowed, which the mean need not
        mean = a.mean * (a.finite / n) + b.mean * (b.finite / n)
    apart = a.mean - b.mean
    m2 = (a.m2 + b.m2) + apart * apart * (a.finite * b.finite / n)
    # NaN comes of infinite means of opposite signs: they lie around zero, immeasurably far apart
    return (0.0 if math.isnan(mean) else mean), (math.inf if math.isnan(m2) else m2)


def _merge_counts(a: ValueCounts, b: ValueCounts) -> ValueCounts:
    """Sums, and at most 256 of them by Misra-Gries subtraction (Agarwal et al., Mergeable Summaries, 2012)."""
    totals = Counter(dict(a.items))
    totals.update(dict(b.items))
    items = by_count(list(totals.items()))
    other, error = a.other + b.other, a.error + b.error
    if len(items) > MOST_VALUES:
        cut = items[MOST_VALUES][1]
        kept = [(value, count - cut) for value, count in items if count > cut]
        other += sum(count for _, count in items) - sum(count for _, count in kept)
        error += cut
        items = kept
    return ValueCounts(tuple(items), other, error)


def _merge_kmv(a: Hashes, b: Hashes) -> Hashes:
    """The smallest hashes of the union (Bar-Yossef et al., 2002)."""
    return np.union1d(a, b)[:KMV_SIZE]


def _merge_histograms(a: Histogram, b: Histogram) -> Histogram | None:
    """Sums of the same cells; none where the cells differ."""
    if (a.kind, a.id) != (b.kind, b.id):
        return None
    if len(a.counts) != len(b.counts):
        raise IncompatibleProfiles(f"Histograms of the same cells {a.id} count {len(a.counts)} and {len(b.counts)}.")
    pinned = a if a.edges is not None or a.hashes is not None else b
    return Histogram(a.kind, a.id, a.counts + b.counts, pinned.edges, pinned.hashes)
