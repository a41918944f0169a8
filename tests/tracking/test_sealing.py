"""The seal's bytes: as the module's page says them, and the same however points are cut."""

import struct
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.metrics.points import make_points
from tracking.sealing import BLOCK_POINTS, SECTIONS, digest, item, series_item

points = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**62), st.floats(allow_nan=False)), max_size=60
)


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def by_the_page(sections):
    """Written from the format's description alone."""
    whole = b"lineal-seal-v1\0"
    for name, items in sections:
        whole += text(name) + struct.pack("<Q", len(items)) + sha256(b"".join(sorted(items))).digest()
    return "sha256:" + sha256(whole).hexdigest()


def series_by_the_page(key, rows):
    blocks = b""
    for start in range(0, len(rows), 65_536):
        block = rows[start : start + 65_536]
        blocks += struct.pack("<Q", len(block))
        for column, kind in ((0, "q"), (1, "q"), (2, "d")):
            blocks += struct.pack(f"<{len(block)}{kind}", *(row[column] for row in block))
    return text(key) + struct.pack("<Q", len(rows)) + sha256(blocks).digest()


def columns(rows):
    return make_points(*([row[at] for row in rows] for at in range(3)))


def cut(rows, places):
    edges = [0, *sorted(place % (len(rows) + 1) for place in places), len(rows)]
    return [columns(rows[a:b]) for a, b in pairwise(edges)]


@given(points, st.lists(st.integers(0, 60), max_size=5))
def test_the_digest_of_a_series_does_not_depend_on_how_it_is_cut(rows, places):
    assert series_item("loss", cut(rows, places)) == series_by_the_page("loss", rows)


def test_blocks_reach_across_parts():
    rows = [(step, step, float(step)) for step in range(BLOCK_POINTS + 5)]

    assert series_item("loss", cut(rows, [3, 40_000, 65_000])) == series_by_the_page("loss", rows)


@given(points.filter(bool), st.data())
def test_any_change_of_a_point_changes_the_digest(rows, data):
    at = data.draw(st.integers(0, len(rows) - 1))
    step, time, value = rows[at]
    changed = data.draw(st.sampled_from([(step ^ 1, time, value), (step, time ^ 1, value), (step, time, -value - 1.5)]))

    altered = [*rows[:at], changed, *rows[at + 1 :]]

    assert (series_item("loss", [columns(altered)]) == series_item("loss", [columns(rows)])) is (altered == rows)


def test_the_whole_is_as_the_page_says():
    content = {
        "run": [item("0" * 32, "1" * 32, "finished", "t", None, "", "", "", "")],
        "params": [item("lr", "0.1"), item("a", "b")],
        "metrics": [series_item("loss", [columns([(0, 1, 0.5)])])],
        "artifacts": [item("model.bin", "f" * 64, 7)],
    }
    sections = [(name, content.get(name, [])) for name in SECTIONS]

    assert digest(sections) == by_the_page(sections)


def test_items_of_a_section_count_in_any_order_and_sections_in_one():
    items = [item("a", "1"), item("b", "2")]
    sections = [(name, items) for name in SECTIONS]

    assert digest(sections) == digest([(name, items[::-1]) for name in SECTIONS])
    with pytest.raises(ValueError, match="in this order"):
        digest(sections[::-1])


def test_null_and_neighbouring_texts_cannot_be_confused():
    assert item(None) != item("")
    assert item("ab", "c") != item("a", "bc")
