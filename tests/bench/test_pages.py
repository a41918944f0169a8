"""The table of first views says which page misses which target, the slowest first."""

import pytest

from bench import pages
from bench.pages import Page

FAST = Page("fast", ms=[5.0, 6.0, 7.0], kb=40.0, shifts=(0.0, 0.0))


@pytest.mark.parametrize(
    ("page", "missed"),
    [
        (FAST, ""),
        (Page("slow", [90.0, 101.0, 400.0], 200.0, (0.0, 0.01)), "ms"),
        (Page("heavy", [1.0], 200.1, (0.0, 0.0)), "kB"),
        (Page("moves when narrow", [1.0], 1.0, (0.0, 0.02)), "CLS"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_page_says_which_targets_it_misses(page, missed):
    assert page.missed == missed


def test_the_ninety_fifth_percentile_is_a_call_that_was_made():
    assert Page("any", [float(ms) for ms in range(1, 101)], 0.0, (0.0,)).p95 == 96.0


def test_the_sheet_has_the_slowest_first_and_counts_what_misses():
    slow = Page("slow", [150.0], 60.0, (0.0, 0.0))

    sheet = pages._sheet([FAST, slow], "PostgreSQL 18.4")

    assert sheet.name == "pages-postgresql"
    assert [row[0] for row in sheet.rows] == ["slow", "fast"]
    assert "1 of 2 pages miss one" in sheet.note
