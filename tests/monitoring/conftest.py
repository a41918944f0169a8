"""Profiles and documents to spoil."""

import copy

import numpy as np
import pytest

from tests.monitoring.building import build_classification, build_embedding, build_profile


def make_table(rows: int = 1_000, seed: int = 0) -> dict:
    """A column of every kind that profiles tell apart, with whatever is special about it."""
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows)
    amount[: min(rows, 4)] = [np.nan, np.inf, -np.inf, 0.0][: min(rows, 4)]
    return {
        "amount": amount,
        "children": rng.integers(0, 5, rows),
        "country": [None, *np.array(["de", "fr", "été"], object)[rng.integers(0, 3, max(rows - 1, 0))]][:rows],
        "id": np.array([f"id{i}" for i in rng.integers(0, 10**9, rows)], object),
        "is_new": rng.random(rows) < 0.3,
        "seen": rng.integers(0, 10**6, rows).astype("datetime64[s]"),
        "nothing": [None] * rows,
    }


@pytest.fixture(scope="session")
def table():
    return make_table()


@pytest.fixture(scope="session")
def whole_profile(table):
    """A profile in which nothing is null that could be there."""
    rng = np.random.default_rng(1)
    scores = rng.random(1_000)
    performance = build_classification(rng.random(1_000) < scores, scores > 0.5, scores)
    embeddings = {"text": build_embedding(rng.normal(size=(1_000, 8)))}
    return build_profile(table, performance=performance, embeddings=embeddings)


@pytest.fixture
def document(whole_profile):
    """A document of one's own to change."""
    return copy.deepcopy(whole_profile.to_json())
