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


@pytest.mark.parametrize("tag", [lineal.digest, lineal.copy_button, lineal.state])
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
