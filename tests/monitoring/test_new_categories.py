"""Values that the baseline has never seen, by their hashes."""

import numpy as np
import pytest

from monitoring.profiles import DEFAULT_KEY, merge, reference_of
from monitoring.statistics import new_categories, unseen_share
from tests.monitoring.building import build_profile


def texts(*pairs) -> np.ndarray:
    return np.array([text for text, count in pairs for _ in range(count)], object)


def both(before, now, privacy="standard", *, pin=True):
    baseline = build_profile({"x": before}, privacy=privacy)
    reference = reference_of(baseline, DEFAULT_KEY) if pin else None
    window = build_profile({"x": now}, privacy=privacy, reference=reference, pin=pin)
    return baseline.columns["x"], window.columns["x"]


@pytest.mark.parametrize("privacy", ["standard", "strict"])
@pytest.mark.parametrize("pin", [True, False])
def test_new_values_and_their_rows_are_counted(privacy, pin):
    before, now = both(texts(("a", 5), ("b", 5)), texts(("a", 4), ("c", 3), ("d", 2)), privacy, pin=pin)

    assert new_categories(before, now) == (2, 5, True)
    assert new_categories(before, before) == (0, 0, True)


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_numbers_of_few_values_are_categories_too(privacy):
    before, now = both(np.array([1, 2, 3] * 10), np.array([1, 2, 9]), privacy)

    assert new_categories(before, now) == (1, 1, True)


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_more_values_than_cells_are_looked_up_in_the_lists(privacy):
    many = texts(*((f"v{i}", 5) for i in range(200)))
    before, now = both(many, texts(("v7", 5), ("v199", 5), ("new", 4)), privacy)

    assert new_categories(before, now) == (1, 4, True)


def test_numbers_in_the_clear_that_no_list_holds_need_the_key():
    before, now = both(np.repeat(np.arange(600), 2), np.array([7] * 5 + [599] * 5 + [-1] * 4))

    assert new_categories(before, now) is None
    assert new_categories(before, now, key=DEFAULT_KEY) == (1, 4, True)


def test_texts_bring_their_hashes():
    many = texts(*((f"v{i}", 2) for i in range(600)))
    before, now = both(many, texts(("v7", 5), ("v599", 5), ("new", 4)))

    assert new_categories(before, now) == (1, 4, True)


def test_past_a_thousand_values_the_count_is_an_estimate():
    before, now = both(np.arange(0, 100_000.0), np.arange(50_000.0, 150_000))

    found = new_categories(before, now, key=DEFAULT_KEY)

    assert found.distinct == pytest.approx(50_000, rel=0.15)
    assert not found.is_exact


def test_columns_without_hashes_have_no_categories():
    mixed = merge(
        build_profile({"x": texts(("a", 1))}, pin=False), build_profile({"x": np.array([1])}, pin=False)
    ).columns["x"]

    assert new_categories(mixed, mixed) is None
    assert unseen_share(mixed) == 1


def test_the_share_of_unseen_values_is_foreseen_from_those_seen_once():
    """Good and Turing: identifiers are nearly always new, countries never."""
    rng = np.random.default_rng(0)
    population = rng.zipf(1.5, 200_000)
    sample, later = population[:2_000], population[2_000:]

    foreseen = unseen_share(build_profile({"x": sample.clip(max=10**6)}).columns["x"])

    assert np.mean(~np.isin(later, sample)) <= foreseen + 0.02
    assert unseen_share(build_profile({"x": np.arange(5_000.0)}).columns["x"]) == pytest.approx(1, abs=0.05)
    assert unseen_share(build_profile({"x": texts(("a", 50), ("b", 2))}).columns["x"]) == 0
