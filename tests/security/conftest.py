"""The world that the matrix is tried in."""

import pytest

from tests.security.people import new_world


@pytest.fixture
def world(db, settings):
    settings.DATA_ROOTS = [str(settings.HOME / "data")]
    return new_world()
