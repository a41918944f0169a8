"""The one spelling of an event, and the commitments that let a value be forgotten without breaking a proof."""

import enum
import json
import math
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import commit, encode, is_commitment, opens

ascii_keys = st.text(st.characters(max_codepoint=127), max_size=12)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_keys, inner, max_size=4), max_leaves=20
)


def test_keys_are_sorted_and_nothing_is_padded():
    assert encode({"b": [1, True, None], "a": {"z": "", "Z": -5}}) == b'{"a":{"Z":-5,"z":""},"b":[1,true,null]}'


def test_only_what_json_requires_is_escaped():
    """As RFC 8785, 3.2.2.2 spells strings, its own example among them."""
    assert encode('\u20ac$\u000f\nA\'B"\\\\"/') == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'
    assert encode("\x7f\u2028\U0001f600é") == '"\x7f\u2028\U0001f600é"'.encode()


def test_tuples_and_text_enumerations_are_written_as_what_they_are():
    class Outcome(enum.StrEnum):
        OK = "ok"

    assert encode(("a", Outcome.OK)) == b'["a","ok"]'


@given(values)
def test_reading_back_gives_the_value_and_the_same_bytes(value):
    encoded = encode(value)

    assert json.loads(encoded) == value
    assert encode(json.loads(encoded)) == encoded


@given(st.dictionaries(ascii_keys, scalars, max_size=6))
def test_the_order_of_writing_does_not_show(value):
    assert encode(dict(reversed(value.items()))) == encode(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, r"^/: a float"),
        ({"after": {"threshold": 1.0}}, r"^/after/threshold: a float has no canonical form; write it as text"),
        ([0, [math.nan]], r"^/1/0: a float"),
        ({"at": object()}, r"^/at: object is not a JSON type"),
        ({"body": b"x"}, r"^/body: bytes"),
        ({"tags": {"a"}}, r"^/tags: set"),
        ({"a": {1: "x"}}, r"^/a: a key must be text, not int"),
    ],
)
def test_what_has_no_one_spelling_is_refused_by_type(value, message):
    with pytest.raises(TypeError, match=message):
        encode(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"n": 2**53}, r"^/n: an integer of 2\*\*53 or more"),
        ({"n": [-(2**53)]}, r"^/n/0: an integer"),
        ({"straße": 1}, r"^/: the key 'straße' is not ASCII"),
        ({"a": {"\ud800": 1}}, r"^/a: the key"),
        ({"a": ["x\ud800"]}, r"^/a/0: half of a surrogate pair at character 1"),
    ],
)
def test_what_other_readers_would_bend_is_refused_by_value(value, message):
    with pytest.raises(ValueError, match=message):
        encode(value)


def test_the_largest_integers_that_every_reader_keeps_are_allowed():
    assert encode([2**53 - 1, -(2**53) + 1]) == b"[9007199254740991,-9007199254740991]"


def test_endless_nesting_is_refused_in_words():
    value = []
    for _ in range(5_000):
        value = [value]

    with pytest.raises(ValueError, match="nested deeper than 64 levels"):
        encode(value)


def test_64_levels_are_allowed_and_65_are_not():
    for wrap in (lambda inner: [inner], lambda inner: {"a": inner}):
        value = 1
        for _ in range(64):
            value = wrap(value)

        encode(value)
        with pytest.raises(ValueError, match="nested deeper"):
            encode(wrap(value))


def test_a_commitment_is_the_salted_hash_of_the_canonical_value():
    salt = bytes(range(16))

    commitment, used = commit({"b": 1, "a": "é"}, salt)

    assert used == salt
    assert commitment == {"$c": b64encode(sha256(salt + '{"a":"é","b":1}'.encode()).digest()).decode()}


def test_equal_values_have_unequal_commitments():
    """Else two entries of one person could be matched, and a guess could be tried, after the salt is gone."""
    first, salt = commit("alice@example.org")
    second, other_salt = commit("alice@example.org")

    assert first != second
    assert salt != other_salt
    assert len(salt) == 16


@given(values, values)
def test_a_commitment_opens_for_its_value_and_salt_alone(value, other):
    commitment, salt = commit(value)

    assert opens(commitment, value, salt)
    assert opens(commitment, other, salt) == (encode(other) == encode(value))
    assert not opens(commitment, value, bytes([salt[0] ^ 1]) + salt[1:])
    assert not opens(commitment, value, salt[:15])


@pytest.mark.parametrize("commitment", [None, "x", {}, {"$c": 5}, {"$c": "é"}, {"$c": "x", "d": 1}, {"c": "x"}, ["$c"]])
def test_what_is_no_commitment_opens_for_nothing(commitment):
    assert not opens(commitment, "value", b"\0" * 16)


def test_a_value_without_canonical_form_opens_nothing():
    commitment, salt = commit("1.0")

    assert not opens(commitment, 1.0, salt)
    assert not opens(commitment, "\ud800", salt)


def test_a_salt_of_another_length_is_refused():
    with pytest.raises(ValueError, match="16 bytes, not 8"):
        commit("value", b"\0" * 8)


def test_a_commitment_is_known_by_its_shape():
    assert is_commitment(commit("x")[0])
    assert not is_commitment({"$c": "x", "other": 1})
    assert not is_commitment("$c")
