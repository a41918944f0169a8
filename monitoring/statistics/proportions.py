"""Two shares: rows with something, of all rows."""

import math

from monitoring.statistics.counts import LEAST_EXPECTED
from monitoring.statistics.heavy import stats
from monitoring.statistics.outcome import Outcome


def two_proportion_z(reference_hits: int, reference_rows: int, current_hits: int, current_rows: int) -> Outcome:
    """The pooled z test of two shares, two-sided; positive when the current share is the larger (Fleiss, Statistical Methods, 3.2).

    Normal only where each side expects at least 5 of either kind; `fisher_exact` is for the rest. Two shares of 0, or of 1, do not differ.

    Raises:
        ValueError: no rows on a side, or more hits than rows.
    """
    _check(reference_hits, reference_rows, "reference")
    _check(current_hits, current_rows, "current")
    share = (reference_hits + current_hits) / (reference_rows + current_rows)
    error = math.sqrt(share * (1 - share) * (1 / reference_rows + 1 / current_rows))
    if not error:
        return Outcome(0.0, 1.0)
    z = (current_hits / current_rows - reference_hits / reference_rows) / error
    return Outcome(z, min(1.0, 2 * float(stats().norm.sf(abs(z)))))


def fisher_exact(reference_hits: int, reference_rows: int, current_hits: int, current_rows: int) -> Outcome:
    """Fisher's exact test of two shares, two-sided (Fisher, 1935). The statistic is the difference of the shares, current less reference.

    Raises:
        ValueError: as `two_proportion_z`.
    """
    _check(reference_hits, reference_rows, "reference")
    _check(current_hits, current_rows, "current")
    table = [[current_hits, current_rows - current_hits], [reference_hits, reference_rows - reference_hits]]
    difference = current_hits / current_rows - reference_hits / reference_rows
    return Outcome(difference, min(1.0, float(stats().fisher_exact(table).pvalue)))


def compare_shares(
    reference_hits: int, reference_rows: int, current_hits: int, current_rows: int
) -> tuple[str, Outcome]:
    """The name and the outcome of the test that fits: `two_proportion_z` where it is normal, else `fisher_exact`."""
    counts = (reference_hits, reference_rows, current_hits, current_rows)
    test = two_proportion_z if _is_large(*counts) else fisher_exact
    return test.__name__, test(*counts)


def _is_large(reference_hits: int, reference_rows: int, current_hits: int, current_rows: int) -> bool:
    """Does each side expect at least 5 of either kind, as the normal approximation needs (Cochran, 1954)?"""
    share = (reference_hits + current_hits) / (reference_rows + current_rows)
    return min(share, 1 - share) * min(reference_rows, current_rows) >= LEAST_EXPECTED


def _check(hits: int, rows: int, name: str) -> None:
    if rows < 1:
        raise ValueError(f"{name}: a share needs rows.")
    if not 0 <= hits <= rows:
        raise ValueError(f"{name}: {hits} of {rows} rows is no share.")
