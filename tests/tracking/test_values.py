"""Scalars as text and back, and what may be a key."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.limits import KEY_LENGTH
from tracking.values import number_in, problem_of_key, spell, unspell

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(scalars)
def test_a_scalar_comes_back_as_what_it_was(value):
    spelled = spell(value)
    found = unspell(spelled.text, spelled.kind)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (0.1, "0.1", 0.1),
        (1e-4, "0.0001", 1e-4),
        (3, "3", 3.0),
        (True, "true", None),
        (None, "null", None),
        (math.inf, "Infinity", math.inf),
        (math.nan, "NaN", None),
        ("1e-3", "1e-3", 1e-3),
        ("adam", "adam", None),
        ("1_000", "1_000", None),
        ("٣", "٣", None),
        (" 1", " 1", None),
    ],
)
def test_how_a_scalar_is_spelled_and_compared(value, text, number):
    assert (spell(value).text, spell(value).number) == (text, number)


@given(st.floats(allow_nan=False))
def test_a_number_sent_as_text_is_the_same_number(value):
    """Other trackers' clients send nothing but text."""
    assert number_in(spell(value).text) == value


@pytest.mark.parametrize("key", ["", "x" * (KEY_LENGTH + 1), "a\nb", "a\0b", "\ud800"])
def test_a_key_that_cannot_be_stored_is_named(key):
    assert problem_of_key(key)


@pytest.mark.parametrize("key", ["loss", "val/loss", "a b", "mlflow.runName", "Größe", "x" * KEY_LENGTH, "損失", "🙂"])
def test_any_printable_key_will_do(key):
    assert problem_of_key(key) is None
