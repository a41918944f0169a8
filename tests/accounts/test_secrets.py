"""How secrets are written and matched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import secrets


def test_a_token_is_written_as_prefix_and_secret():
    made = secrets.new_token()

    assert len(made.plaintext) == 4 + 12 + 1 + 43
    assert made.plaintext.startswith("lnl_")
    assert secrets.parse_token(made.plaintext) == made


def test_no_two_tokens_are_alike():
    made = {secrets.new_token().plaintext for _ in range(1_000)}

    assert len(made) == 1_000


def test_a_token_does_not_show_its_secret_when_printed():
    """A stray `repr` in a log line must not give it away."""
    made = secrets.new_token()

    assert made.secret not in repr(made)
    assert made.prefix in repr(made)


def test_the_prefix_alone_says_nothing_of_the_secret():
    made = secrets.new_token()

    assert made.secret not in made.prefix
    assert secrets.digest(made.secret) != made.secret


def test_only_the_right_secret_matches():
    stored = secrets.digest("right")

    assert secrets.matches("right", stored)
    assert not secrets.matches("wrong", stored)


@pytest.mark.parametrize(
    "text",
    ["", "lnl_", "Bearer", "lnl_" + "a" * 56, "xyz_" + "a" * 12 + "_" + "b" * 43, "lnl_" + "a" * 12 + "_" + "é" * 43],
)
def test_what_is_not_written_like_a_token_is_none(text):
    assert secrets.parse_token(text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text):
    parsed = secrets.parse_token(text)

    assert parsed is None or parsed.plaintext == text
