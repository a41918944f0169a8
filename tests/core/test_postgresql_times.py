"""Moments of PostgreSQL are read as Django reads them, whatever the session's zone and style."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection

from core import prepared

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps moments as text"),
]


def read(written):
    with prepared.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-02-03 04:05:06+00", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-02-03 04:05:06.5+00", datetime(2026, 2, 3, 4, 5, 6, 500_000, tzinfo=UTC)),
        ("2026-02-03 04:05:06.000007+02", datetime(2026, 2, 3, 2, 5, 6, 7, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(written, expected):
    found = read(written)

    assert (found, found.tzinfo) == (expected, UTC)


@pytest.mark.parametrize("written", ["infinity", "0044-03-15 12:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_what_is_no_moment_of_python_is_an_error_as_before(written):
    with pytest.raises(DataError):
        read(written)


def test_a_session_elsewhere_is_read_as_django_reads_it():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'Asia/Kolkata'")
        cursor.execute("SELECT '2026-02-03 04:05:06+00'::timestamptz")
        by_django = cursor.fetchone()[0]

    assert by_django == datetime(2026, 2, 3, 9, 35, 6, tzinfo=UTC)  # the zone is replaced, not reckoned
