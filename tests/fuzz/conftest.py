"""One furnished world for all tests of a file; each request in it is taken back."""

import logging

import pytest

from tests.fuzz.prepared import furnished


@pytest.fixture(scope="module")
def db(django_db_setup, django_db_blocker):
    """In the place of the plugin's, which ends the connection, and the world with it, after each test."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def fuzzed(db, tmp_path_factory):
    with furnished(tmp_path_factory.mktemp("fuzz") / "home") as prepared:
        yield prepared


@pytest.fixture(autouse=True)
def _quiet_log():
    """A refused request is an answer; what breaks is told by the test."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
