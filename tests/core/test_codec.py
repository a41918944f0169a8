import math

import pytest

from core.codec import json_bytes, number, parse_json
from core.errors import Malformed


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
