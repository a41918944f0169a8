"""Calendars of triggers: cron's five fields in a zone of their own, summer time included."""

from datetime import UTC, datetime

import pytest

from monitoring.triggers.calendars import check_cron, check_zone, next_due


def due(cron, zone, *moment):
    found = next_due(cron=cron, timezone=zone, after=datetime(*moment, tzinfo=UTC))
    return found.strftime("%m-%d %H:%M")


def test_a_calendar_is_due_by_the_clock_of_its_zone():
    assert due("0 3 * * *", "UTC", 2026, 11, 21, 2) == "11-21 03:00"
    assert due("0 3 * * *", "Europe/Berlin", 2026, 11, 21, 2) == "11-22 02:00"
    assert due("30 4 * * MON", "Asia/Kolkata", 2026, 11, 21, 0) == "11-22 23:00"


def test_the_moment_itself_is_past():
    """Else one due moment would fire twice."""
    assert due("0 3 * * *", "UTC", 2026, 11, 21, 3) == "11-22 03:00"


def test_the_skipped_hour_is_due_right_after_it():
    """On 29 March 2026 clocks in Berlin went from 2 to 3."""
    assert due("30 2 * * *", "Europe/Berlin", 2026, 3, 28, 12) == "03-29 01:00"


def test_the_doubled_hour_is_due_once():
    """On 25 October 2026 clocks in Berlin went from 3 back to 2."""
    first = next_due(cron="30 2 * * *", timezone="Europe/Berlin", after=datetime(2026, 10, 24, 12, tzinfo=UTC))

    assert first.strftime("%m-%d %H:%M") == "10-25 00:30"
    assert due("30 2 * * *", "Europe/Berlin", 2026, 10, 25, 0, 30) == "10-26 01:30"


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("*/5 * * * * *", "five fields"),
        ("61 * * * *", "Bad minute"),
        ("0 25 * * *", "Bad hour"),
        ("0 3 * * XYZ", "Bad day-of-week"),
        ("0 3 30 2 *", r"Bad day-of-month"),
        ("@daily", "five fields"),
    ],
)
def test_what_is_no_calendar_is_refused_with_the_field(cron, words):
    with pytest.raises(ValueError, match=words):
        check_cron(cron)


def test_spaces_are_put_in_order():
    assert check_cron("  0   3 * *   MON ") == "0 3 * * MON"


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "../etc/passwd", "/etc/passwd", "", "Europe", "a" * 300, "Europe/Ber\0lin"]
)
def test_what_is_no_zone_is_refused(zone):
    with pytest.raises(ValueError, match="not a time zone"):
        check_zone(zone)
