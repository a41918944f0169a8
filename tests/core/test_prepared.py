"""Columns of values on their way into either database."""

from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core import prepared

NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))

only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no arrays")


@only_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (prepared.Bigints, NUMBERS),
        (prepared.Ints, st.integers(min_value=-(2**31), max_value=2**31 - 1)),
        (prepared.Floats, st.floats(allow_nan=False)),
        (prepared.Texts, WORDS),
        (prepared.Uuids, st.uuids()),
        (prepared.Byteas, st.binary()),
    ],
)
def test_an_array_comes_back_as_it_went_in(kind, values):
    @given(st.lists(st.none() | values, max_size=5))
    def check(column):
        with prepared.cursor(binary=True) as cursor:
            cursor.execute("SELECT * FROM unnest(%s) WITH ORDINALITY ORDER BY 2", [kind(column)])
            assert [value for value, _ in cursor.fetchall()] == column

    check()


@only_postgresql
@pytest.mark.django_db
def test_an_array_is_of_its_type():
    kinds = (prepared.Bigints, prepared.Ints, prepared.Floats, prepared.Texts, prepared.Uuids, prepared.Byteas)
    with prepared.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(['pg_typeof(%s)::text'] * len(kinds))}", [kind() for kind in kinds])
        assert cursor.fetchone() == ("bigint[]", "integer[]", "double precision[]", "text[]", "uuid[]", "bytea[]")


@only_postgresql
@pytest.mark.django_db
def test_a_number_beyond_its_type_is_refused():
    with prepared.cursor() as cursor, pytest.raises(OverflowError):
        cursor.execute("SELECT %s", [prepared.Ints([2**40])])


def test_columns_of_rows():
    uuid = UUID(int=1)
    assert prepared.arrays([prepared.Bigints, prepared.Uuids], [(1, uuid), (2, None)]) == [[1, 2], [uuid, None]]


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL is given arrays")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 200])
def test_any_number_of_rows_goes_in_by_few_statements(count, django_assert_num_queries):
    rows = [(number, f"100 % of {number}", b"\0" * number) for number in range(count)]
    statements = count // prepared.MOST_ROWS + (count % prepared.MOST_ROWS).bit_count()
    with connection.cursor() as plain:
        plain.execute("CREATE TEMP TABLE kept (number PRIMARY KEY, words, octets)")
    with django_assert_num_queries(statements), prepared.cursor() as cursor:
        prepared.insert_rows(cursor, "INSERT INTO kept", rows, "ON CONFLICT (number) DO UPDATE SET words = '%%'")
    with prepared.cursor() as cursor:
        cursor.execute("SELECT * FROM kept ORDER BY number")
        assert cursor.fetchall() == rows
        prepared.insert_rows(cursor, "INSERT INTO kept", rows[:1], "ON CONFLICT (number) DO UPDATE SET words = '%%'")
        cursor.execute("SELECT count(*) FROM kept WHERE words = %s", ["%"])
        assert cursor.fetchone() == (min(count, 1),)
        cursor.execute("DROP TABLE kept")
