import io
import math
from datetime import UTC, datetime
from uuid import UUID

import pytest

from core.codec import JsonParser, json_bytes, number, parse_json, ready
from core.errors import Malformed, TooLarge


@pytest.mark.parametrize(
    ("value", "spelled"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (0.5, 0.5), (None, None)],
)
def test_numbers_json_lacks_are_spelled_out(value, spelled):
    assert number(value) == spelled


def test_nan_in_json_is_refused_with_advice():
    with pytest.raises(Malformed, match='send the strings "NaN"'):
        parse_json(b'{"loss": NaN}')


def test_broken_json_is_refused_where_it_breaks():
    with pytest.raises(Malformed, match="line 2, column"):
        parse_json(b'{"a": 1,\n "b": }')


def test_unknown_kinds_of_value_are_written_as_text():
    assert json_bytes({"a": {3, 1, 2}}) == b'{"a":[1,2,3]}'


class View:
    max_json_bytes = 9


def test_keys_that_are_no_texts_are_spelled_as_well():
    """They are rare, so JSON is written without them in mind at first."""
    assert json_bytes({"a": 1}) == b'{"a":1}'
    assert parse_json(json_bytes({"of": {7: "a", UUID(int=7): datetime(2026, 1, 31, tzinfo=UTC)}, 1.5: None})) == {
        "of": {"7": "a", "00000000-0000-0000-0000-000000000007": "2026-01-31T00:00:00.000000Z"},
        "1.5": None,
    }


def test_what_is_json_already_stands_as_it_is():
    assert json_bytes({"params": ready('{"lr": 1e-05}'), "n": 1}) == b'{"params":{"lr": 1e-05},"n":1}'


def test_a_body_is_read_as_far_as_the_view_takes_it():
    """What a stranger sends must not fill the memory."""
    body = io.BytesIO(b"[1, 2, 3]")

    assert JsonParser().parse(body, parser_context={"view": View()}) == [1, 2, 3]


def test_a_larger_body_is_refused_unread():
    body = io.BytesIO(b"[" + b"1," * 1_000_000 + b"1]")

    with pytest.raises(TooLarge, match="at most 9 bytes"):
        JsonParser().parse(body, parser_context={"view": View()})
    assert body.tell() == 10


def test_without_a_limit_of_the_view_the_servers_holds(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 4

    with pytest.raises(TooLarge):
        JsonParser().parse(io.BytesIO(b"[1,2]"), parser_context={"view": object()})
