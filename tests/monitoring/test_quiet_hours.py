"""Quiet hours end when they say, in their own time zone, over midnight and when clocks change."""

from datetime import UTC, datetime

import pytest

from monitoring.quiet import check_quiet_hours, quiet_for

NIGHT = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
NOON = {"from": "12:00", "to": "13:30", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("hours", "now", "seconds"),
    [
        (None, "2026-07-01T23:00", 0),
        (NIGHT, "2026-07-01T19:59", 0),
        (NIGHT, "2026-07-01T20:00", 9 * 3_600),  # 22:00 in Berlin's summer
        (NIGHT, "2026-07-02T04:59", 60),
        (NIGHT, "2026-07-02T05:00", 0),
        (NIGHT, "2026-01-01T21:00", 9 * 3_600),  # in winter an hour later
        (NIGHT, "2026-03-28T21:00", 8 * 3_600),  # the night that is an hour short
        (NIGHT, "2026-10-24T20:00", 10 * 3_600),  # and the one that is an hour long
        (NOON, "2026-07-01T12:30", 3_600),
        (NOON, "2026-07-01T13:30", 0),
    ],
)
def test_it_is_quiet_for_so_long(hours, now, seconds):
    assert quiet_for(hours, datetime.fromisoformat(now).replace(tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    "change",
    [{"from": "7:00"}, {"to": "24:00"}, {"timezone": "../etc"}, {"to": "22:00"}, {"days": "Sat"}, {"from": 22}],
)
def test_hours_that_cannot_be_are_refused(change):
    with pytest.raises(ValueError):
        check_quiet_hours(NIGHT | change)
