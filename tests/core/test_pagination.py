import pytest

from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor, parse_limit


def test_a_cursor_carries_its_values():
    assert decode_cursor(encode_cursor([0.5, "name", 17])) == [0.5, "name", 17]


@pytest.mark.parametrize("cursor", ["", "%%%", "bm90IGpzb24", "e30", "☃"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(Invalid):
        decode_cursor(cursor)


def test_a_cursor_of_another_listing_is_refused():
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor([1]), length=2)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "ten", "1.5"])
def test_a_limit_out_of_bounds_is_refused(limit):
    with pytest.raises(Invalid):
        parse_limit(limit)


def test_no_limit_is_the_default():
    assert parse_limit(None) == 100
