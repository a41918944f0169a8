"""Are more rows without a value than before, and are there values that were never seen?"""

from functools import reduce

import numpy as np

from monitoring.engine.drift import Pair
from monitoring.engine.findings import Finding, graded
from monitoring.engine.limits import Limits
from monitoring.engine.wording import number, share
from monitoring.profiles.merging import merge_columns
from monitoring.profiles.reference import is_categorical
from monitoring.statistics import (
    LEAST_WINDOWS,
    NewCategories,
    Outcome,
    compare_shares,
    new_categories,
    unseen_share,
    window_calibrated,
)


def find_missing(pair: Pair, *, limits: Limits) -> Finding | None:
    """None where neither side lacks a value, or where there are too few rows."""
    reference, current = pair.reference, pair.current
    if not (reference.missing or current.missing) or current.n < limits.least_rows or not reference.n:
        return None
    test, outcome, before = _missing_test(pair)
    now = current.missing / current.n
    move = f"{pair.name}: missing values {'rose' if now > before else 'fell'} from {share(before)} to {share(now)}"
    return Finding(
        column=pair.name,
        role=current.role,
        kind="missing",
        grade=graded(abs(now - before), limits.missing_points, limits.missing_critical),
        calm=f"{pair.name}: {share(now)} of values are missing, as before ({share(before)}).",
        alarm=f"{move}.",
        test=test,
        outcome=outcome,
        effects={"missing_points": now - before},
        judged=current.role != "label",
    )


def _missing_test(pair: Pair) -> tuple[str, Outcome, float]:
    """The test, its outcome, and the share that was missing before: in accepted windows if they vary, else in the baseline."""
    rows = [(each.missing, each.present) for each in pair.windows if each.n]
    if len(rows) >= LEAST_WINDOWS:
        calibrated = window_calibrated(rows, (pair.current.missing, pair.current.present))
        if calibrated is not None:
            missing, present = np.sum(rows, axis=0)
            return "window_calibrated", calibrated, float(missing / (missing + present))
    reference, current = pair.reference, pair.current
    test, outcome = compare_shares(reference.missing, reference.n, current.missing, current.n)
    return test, outcome, reference.missing / reference.n


def find_new_categories(pair: Pair, *, limits: Limits, key: bytes | None) -> Finding | None:
    """None where every value is known. Some new ones are expected where the baseline has values that it saw once only."""
    reference, current = pair.reference, pair.current
    if not is_categorical(reference) or not reference.present or current.present < limits.least_rows:
        return None
    found = new_categories(reference, current, key=key)
    if found is not None and found.rows and pair.windows:
        reference = reduce(merge_columns, pair.windows, reference)
        found = new_categories(reference, current, key=key)
    if found is None or not found.rows:
        return None
    expected = unseen_share(reference)
    mass = found.rows / current.present
    test, outcome = compare_shares(round(expected * reference.present), reference.present, found.rows, current.present)
    said = _said(pair.name, found, mass)
    return Finding(
        column=pair.name,
        role=current.role,
        kind="new_category",
        grade=graded(mass - expected, limits.new_category_points, limits.new_category_critical),
        calm=f"{said}, which is no surprise ({share(expected)} expected).",
        alarm=f"{said}.",
        test=test,
        outcome=outcome,
        effects={"new_category_mass": mass, "new_category_count": float(found.distinct)},
        judged=current.role != "label",
    )


def _said(name: str, found: NewCategories, mass: float) -> str:
    many = "one new category" if found.distinct == 1 else f"{number(found.distinct)} new categories"
    return f"{name}: {many} in {'' if found.is_exact else 'at least '}{share(mass)} of rows"
