"""Categories that the reference has never seen."""

from typing import NamedTuple

import numpy as np

from monitoring.profiles import ColumnProfile
from monitoring.profiles.hashing import Hashes
from monitoring.profiles.parts import KMV_SIZE
from monitoring.profiles.valued import hashes_of


class NewCategories(NamedTuple):
    """How many `distinct` new values, and how many `rows` have them; `rows` is a lower bound unless `is_exact`."""

    distinct: int
    rows: int
    is_exact: bool


def new_categories(
    reference: ColumnProfile, current: ColumnProfile, *, key: bytes | None = None
) -> NewCategories | None:
    """Values of `current` that `reference` does not have, by keyed hashes; None for columns without any.

    The count compares the smallest hashes of both (Bar-Yossef et al., 2002): exact while each side has fewer than 1,024 different values.
    The rows come from the reference's own cells where these hold all of its values, else from the values that `current` lists; numbers in
    the clear can be looked up only by `key`, or where the reference lists all of its own.
    """
    if reference.kmv is None or current.kmv is None:
        return None
    distinct = _new_hashes(reference.kmv, current.kmv)
    rows = _rows_outside_cells(reference, current)
    if rows is not None:
        return NewCategories(distinct, rows, is_exact=True)
    listed = _listed_rows(reference, current, key)
    if listed is None:
        return None
    complete = current.counted is not None and current.counted.is_complete
    return NewCategories(distinct, listed, is_exact=complete and len(reference.kmv) < KMV_SIZE)


def unseen_share(column: ColumnProfile) -> float:
    """An upper bound of the share of rows that will have values `column` has not shown yet: its values seen once, of all (Good, 1953)."""
    counted = column.counted
    if counted is None or not column.present:
        return 1.0
    once = sum(count == 1 for _, count in counted.items)
    if counted.other:
        once += min(counted.other, max(0, (column.distinct or 0) - len(counted.items)))
    return min(1.0, once / column.present)


def _new_hashes(reference: Hashes, current: Hashes) -> int:
    """Compares what both are known to hold: all hashes, or those below the largest that a full sketch kept."""
    limits = [each[-1] for each in (reference, current) if len(each) >= KMV_SIZE]
    if not limits:
        return len(np.setdiff1d(current, reference))
    limit = min(limits)
    new = len(np.setdiff1d(current[current <= limit], reference[reference <= limit]))
    return round(new * (2.0**64 / float(limit)))


def _rows_outside_cells(reference: ColumnProfile, current: ColumnProfile) -> int | None:
    before, now = reference.hist, current.hist
    if before is None or now is None or before.kind != "cells" or before.id != now.id or before.counts[-1]:
        return None
    return int(now.counts[-1])


def _listed_rows(reference: ColumnProfile, current: ColumnProfile, key: bytes | None) -> int | None:
    """Rows of the listed values that the reference lacks; None when they cannot be looked up there."""
    if reference.kmv is None:
        return None
    known, listed = reference.values, current.values
    if known is not None and listed is not None and known.is_complete and reference.family == current.family:
        had = {value for value, _ in known.items}
        return sum(count for value, count in listed.items if value not in had)
    hashes = hashes_of(current, key)
    if hashes is None:
        return None
    counted = current.hashes if current.hashes is not None else current.values
    counts = np.array([count for _, count in counted.items] if counted else [], np.int64)
    knowable = np.ones(len(hashes), bool)
    if len(reference.kmv) >= KMV_SIZE:
        knowable = hashes <= reference.kmv[-1]
    return int(counts[knowable & ~np.isin(hashes, reference.kmv)].sum())
