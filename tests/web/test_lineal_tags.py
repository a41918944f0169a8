"""How values look: nothing logged becomes markup, and no number or time is rounded into something else."""

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from web.templatetags import lineal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def still(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=2), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=59), "59 d ago"),
        (timedelta(days=61), "2026-09-21"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_a_time_is_said_relative_to_now(ago, said):
    assert lineal.relative(NOW - ago) == said


def test_a_time_keeps_its_exact_moment_in_the_title():
    shown = lineal.when(NOW - timedelta(minutes=5, microseconds=7))

    assert 'title="2026-11-21 11:54:59.999993 UTC"' in shown
    assert 'datetime="2026-11-21T11:54:59.999993Z"' in shown


def test_a_time_as_text_is_read_as_the_api_writes_it():
    assert "5 min ago" in lineal.when("2026-11-21T11:55:00.000000Z")


def test_no_time_is_never():
    assert "never" in lineal.when(None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.1234567, "0.123457"),
        (1e-9, "1e-09"),
        (3.0, "3"),
        (12_345, "12\u202f345"),
        (9_999, "9999"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (None, "–"),
        (True, "True"),
        ("adam", "adam"),
    ],
)
def test_numbers_keep_what_they_say(value, said):
    assert lineal.number(value) == said


@pytest.mark.parametrize(("size", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000_000, "2.34 GB")])
def test_sizes_are_in_decimal_units(size, said):
    assert lineal.filesize(size) == said


def test_a_digest_is_shown_short_and_copied_whole():
    whole = "sha256:" + "9f2c" * 16
    shown = lineal.digest(whole)

    assert f'data-copy="{whole}"' in shown
    assert f'title="{whole}"' in shown
    assert "<code>sha256:9f2c9f2c9f2c…</code>" in shown


@pytest.mark.parametrize(
    "tag", [lineal.digest, lineal.copy_button, lineal.state, lineal.code, lineal.diff, lineal.icon]
)
def test_markup_in_a_value_stays_text(tag):
    shown = tag('<img src=x onerror="alert(1)">')

    assert "<img" not in shown
    assert 'onerror="' not in shown


def test_a_state_says_its_word_beside_its_colour():
    shown = lineal.state("gate_failed")

    assert "gate failed" in shown
    assert "bad" in shown


@pytest.mark.parametrize(
    ("seconds", "said"), [(4.25, "4.2 s"), (65, "1 min 5 s"), (7_260, "2 h 1 min"), (3 * 86_400 + 3_600, "3 d 1 h")]
)
def test_a_duration_has_two_units(seconds, said):
    assert lineal.duration(NOW, NOW + timedelta(seconds=seconds)) == said


def test_code_is_shown_and_copied_as_it_is():
    shown = lineal.code("a < b\n", "train.py")

    assert "<code>a &lt; b\n</code>" in shown
    assert 'data-copy="a &lt; b\n"' in shown
    assert '<span class="name">train.py</span>' in shown


def test_a_diff_keeps_its_signs_beside_its_colours():
    """So that it can be read without the colours, and copied as a diff."""
    shown = lineal.diff("one\ntwo\n", "one\n2\n")

    assert '<span class="del">-two</span>' in shown
    assert '<span class="add">+2</span>' in shown
    assert '<span class=""> one</span>' in shown
    assert lineal.diff("same", "same") == '<p class="none">No difference.</p>'


def test_a_diff_that_git_wrote_is_taken_as_it_is():
    shown = lineal.diff("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new")

    assert [kind in shown for kind in ('"file">--- a/x', '"at">@@', '"del">-old', '"add">+new')] == [True] * 4


def test_fields_say_what_was_and_what_is():
    context = lineal.fields({"role": "viewer", "since": 1, "gone": True}, {"role": "admin", "since": 1, "new": [1]})

    assert [(each.name, each.kind, each.before, each.after) for each in context["changed"]] == [
        ("gone", "del", "true", ""),
        ("new", "add", "", "[\n  1\n]"),
        ("role", "change", "viewer", "admin"),
    ]
    assert [each.name for each in context["same"]] == ["since"]
    assert lineal.fields(None, None) == {"changed": [], "same": []}


def test_every_place_of_the_side_bar_has_its_picture():
    from web.context import ROOMS

    assert all(lineal.icon(name) for name in ("home", "settings", "server_audit", *(room[0] for room in ROOMS)))
    assert lineal.icon("nothing") == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (86_400, "1 day"),
        (604_800, "1 week"),
        (3_600, "1 hour"),
        (5_400, "90 minutes"),
        (1_209_600, "2 weeks"),
        (90_061, "1 day 1 hour 1 minute 1 second"),
        (0, "no time"),
    ],
)
def test_a_length_of_time_is_said_in_words(seconds, said):
    assert lineal.span(seconds).replace("\u202f", " ") == said
