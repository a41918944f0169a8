"""Versions to watch, made as the registry's tests make them, and documents that tools wrote."""

from pathlib import Path

import pytest

from tests.registry.factories import new_version

VECTORS = Path(__file__).parents[1] / "vectors" / "verdicts"


@pytest.fixture
def make_version(project, bob):
    """`make_version()`: a verified version of "fraud", made by Bob; see `factories.new_version`."""

    def make(*, by=None, of=None, **options):
        return new_version(of or project, by or bob, **options)

    return make


@pytest.fixture
def vector():
    """`vector("gx-1.24.1-validation-pass")`: the bytes that the tool wrote."""
    return lambda name: (VECTORS / f"{name}.json").read_bytes()
