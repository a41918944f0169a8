"""The world that the matrix is tried in."""

from dataclasses import replace

import pytest
from django.db import transaction

from tests.security.people import new_world


@pytest.fixture(scope="module")
def settled(django_db_setup, django_db_blocker):
    """The people and their projects, made once for all tests of a file: each test's own transaction lies within this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield new_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(settled, db, settings):
    """As nobody has touched it yet."""
    settings.DATA_ROOTS = [str(settings.HOME / "data")]
    return replace(settled, names=dict(settled.names))
