"""Processes of ours that a scenario starts on a store."""

import pytest

from bench.stores import Store, said_in_the_store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "SQLite", "")


def test_what_a_process_says_is_given_back(store):
    assert said_in_the_store(store, ["json.tool", "--compact"], '{"a": [1]}') == '{"a":[1]}\n'


def test_a_process_that_fails_is_no_measurement_whatever_it_said(store):
    with pytest.raises(RuntimeError, match=r"json\.tool --json-lines ended with 1 in the store on SQLite"):
        said_in_the_store(store, ["json.tool", "--json-lines"], '{"a": 1}\n{"b"')
