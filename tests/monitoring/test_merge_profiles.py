"""The profile of two tables together is what one pass over both would have found."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.profiles import (
    DEFAULT_KEY,
    IncompatibleProfiles,
    Profile,
    ValueCounts,
    merge,
    profile_from_json,
    read_profile,
    reference_of,
)
from tests.monitoring.building import build_classification, build_embedding, build_profile, build_regression
from tests.monitoring.conftest import make_table


def cut(table: dict, start: int, stop: int | None) -> dict:
    return {name: values[start:stop] for name, values in table.items()}


def merged(parts: list[Profile]) -> Profile:
    whole = parts[0]
    for part in parts[1:]:
        whole = merge(whole, part)
    return whole


EXACT = ("type", "n", "nulls", "nan", "pos_inf", "neg_inf", "zeros", "min", "max", "kmv", "hist")


@pytest.mark.parametrize("privacy", ["standard", "strict"])
@given(st.lists(st.integers(0, 1_000), max_size=5).map(sorted), st.randoms())
@settings(max_examples=25, deadline=None)
def test_any_split_merges_to_the_whole(privacy, cuts, random):
    """In any order: counts, hashes, histograms and the values of a small set to the bit, moments to rounding."""
    table = make_table()
    reference = reference_of(build_profile(table, privacy=privacy), DEFAULT_KEY)
    whole = build_profile(table, privacy=privacy, reference=reference)
    edges = [0, *cuts, 1_000]
    parts = [build_profile(cut(table, a, b), privacy=privacy, reference=reference) for a, b in pairwise(edges)]
    random.shuffle(parts)

    together = merged(parts)

    found, expected = together.to_json()["columns"], whole.to_json()["columns"]
    assert together.rows == 1_000
    for name, column in expected.items():
        assert {key: found[name][key] for key in EXACT} == {key: column[key] for key in EXACT}
        for moment in ("mean", "m2"):
            assert (found[name][moment] is None) == (column[moment] is None)
            assert (found[name][moment] or 0) == pytest.approx(column[moment] or 0, rel=1e-9)
    for name in ("children", "country", "is_new"):
        assert found[name]["values"] == expected[name]["values"]
        assert found[name]["hashes"] == expected[name]["hashes"]
    assert read_profile(together.to_bytes()) == together


def test_the_order_of_two_makes_no_difference(table):
    """Parts arrive in any order; the digest of a window must not depend on it."""
    reference = reference_of(build_profile(table), DEFAULT_KEY)
    a, b = (build_profile(make_table(700, seed), reference=reference) for seed in (1, 2))

    assert merge(a, b).to_bytes() == merge(b, a).to_bytes()


def test_165_distinct_values_in_a_million_rows_stay_165():
    rng = np.random.default_rng(0)
    parts = [build_profile({"x": rng.integers(0, 165, 50_000)}, pin=False) for _ in range(20)]

    assert merged(parts).columns["x"].distinct == 165


def test_many_distinct_values_are_estimated():
    parts = [build_profile({"x": np.arange(start, start + 20_000.0)}, pin=False) for start in range(0, 100_000, 20_000)]

    assert merged(parts).columns["x"].distinct == pytest.approx(100_000, rel=0.1)


@given(st.lists(st.lists(st.integers(0, 2_000), min_size=1, max_size=3_000), min_size=2, max_size=4))
@settings(max_examples=30, deadline=None)
def test_no_count_is_too_low_by_more_than_the_error(parts):
    """Misra-Gries: what is listed is never too high, and what is missing from it is bounded; listed or not."""
    table = [
        np.array(part)[np.random.default_rng(0).zipf(1.3, len(part) * 3).clip(max=len(part)) - 1] for part in parts
    ]

    counts = merged([build_profile({"x": part}, pin=False) for part in table]).columns["x"].values

    true = dict(zip(*np.unique(np.concatenate(table), return_counts=True), strict=True))
    listed = dict(counts.items)
    assert sum(listed.values()) + counts.other == sum(true.values())
    for value, count in true.items():
        assert 0 <= count - listed.get(value, 0) <= counts.error
    if len(true) <= 256:
        assert counts.is_complete


def test_misra_gries_keeps_256_and_says_what_it_took():
    """257 values merge to 256: the smallest goes, and its count goes from each other."""
    a = build_profile({"x": np.repeat(np.arange(200), 3)}, pin=False)
    b = build_profile({"x": np.arange(300, 357)}, pin=False)

    counts = merge(a, b).columns["x"].values

    assert counts == ValueCounts(tuple((float(value), 2) for value in range(200)), 200 + 57, 1)


def test_histograms_of_other_cells_are_lost_in_merging(table):
    a, b = build_profile(cut(table, 0, 500)), build_profile(cut(table, 500, None))

    column = merge(a, b).columns["amount"]

    assert column.hist is None
    assert column.kll.n == 999


def test_same_cells_with_other_counts_are_refused(table):
    whole = build_profile(table, reference=reference_of(build_profile(table), DEFAULT_KEY))
    spoilt = whole.to_json()
    counts = spoilt["columns"]["amount"]["hist"]["counts"]
    counts[-2:] = [sum(counts[-2:])]
    other = profile_from_json(spoilt)

    with pytest.raises(IncompatibleProfiles, match="count 10 and 9"):
        merge(whole, other)


@pytest.mark.parametrize(
    ("a", "b", "kind", "family"),
    [
        ([1, 2], [1.5, np.nan], "f64", "number"),
        ([None, None], [1, 2], "i64", "number"),
        (["a"], [None], "utf8", "text"),
        (np.array([1], "u8"), np.array([-1]), "u64", "number"),
        (["a"], [1], "other", "other"),
        ([True], [1.0], "other", "other"),
    ],
)
def test_types_that_differ_find_a_common_one(a, b, kind, family):
    """One batch of whole numbers with a gap is floats in pandas; a batch of gaps has no type at all."""
    parts = [
        build_profile({"x": values if isinstance(values, list) and None in values else np.array(values)}, pin=False)
        for values in (a, b)
    ]

    for first, second in (parts, parts[::-1]):
        together = merge(first, second)
        column = together.columns["x"]
        assert (column.type, column.family, column.n) == (kind, family, len(a) + len(b))
        assert read_profile(together.to_bytes()) == together
        if family != "other":
            assert column.counted.is_complete


def test_columns_that_one_part_lacks_are_kept(table):
    a = build_profile({"x": np.arange(10.0)}, pin=False)
    b = build_profile({"y": np.arange(5.0)}, pin=False)

    together = merge(a, b)

    assert (together.rows, list(together.columns), together.columns["y"].n) == (15, ["x", "y"], 5)
    assert read_profile(together.to_bytes()) == together


def test_profiles_of_other_worlds_do_not_merge(table):
    ours = build_profile(table)

    with pytest.raises(IncompatibleProfiles, match=r"standard profile .* strict one"):
        merge(ours, build_profile(table, privacy="strict"))
    with pytest.raises(IncompatibleProfiles, match="under key"):
        merge(ours, build_profile(table, key=b"k" * 16))


@pytest.mark.parametrize(
    ("a", "b", "role"),
    [("feature", "label", "label"), ("prediction", "feature", "prediction"), ("prediction", "label", "label")],
)
def test_what_one_part_knows_of_a_column_s_role_stands(a, b, role):
    parts = [build_profile({"x": np.ones(3)}, roles={"x": each}, pin=False) for each in (a, b)]

    assert merge(*parts).columns["x"].role == merge(*parts[::-1]).columns["x"].role == role


def test_huge_values_merge_without_nan():
    huge = build_profile({"x": np.full(3, 1.7e308)}, pin=False)
    low = build_profile({"x": np.full(3, -1.7e308)}, pin=False)

    for pair in ((huge, huge), (huge, low), (low, huge)):
        together = merge(*pair)
        column = together.columns["x"]
        assert not np.isnan([column.mean, column.m2]).any()
        assert read_profile(together.to_bytes()) == together


def test_classes_of_both_parts_are_united():
    rng = np.random.default_rng(0)
    whole_y, whole_p = rng.choice(list("abc"), 900), rng.choice(list("abc"), 900)
    order = np.argsort(whole_y == "c", kind="stable")  # the first part has never met class c
    y, predicted = (
        whole_y[order],
        np.where(whole_y[order] == "c", whole_p[order], np.where(whole_p[order] == "c", "a", whole_p[order])),
    )
    at = int((y != "c").sum())

    together = merge(of(build_classification(y[:at], predicted[:at])), of(build_classification(y[at:], predicted[at:])))

    assert together == of(build_classification(y, predicted))


def test_late_labels_add_to_what_was_predicted():
    scores = np.random.default_rng(0).random(500)
    y = scores > 0.4
    predicted = of(build_classification(None, scores > 0.5, scores))
    late = of(build_classification(y, scores > 0.5, scores, late=True))

    together = merge(predicted, read_profile(late.to_bytes()))

    assert (predicted.performance.labelled, late.performance.predicted) == (0, 0)
    assert together == of(build_classification(y, scores > 0.5, scores))


def of(performance, embeddings=None) -> Profile:
    return Profile("standard", "0" * 16, 0, {}, performance, embeddings or {})


def test_regressions_add_up_and_kinds_do_not_mix():
    y, predicted = np.arange(10.0), np.ones(10)

    together = merge(of(build_regression(y[:4], predicted[:4])), of(build_regression(y[4:], predicted[4:])))

    assert together == of(build_regression(y, predicted))
    with pytest.raises(IncompatibleProfiles, match="classification does not merge"):
        merge(together, of(build_classification([1], [1])))


def test_embeddings_add_up_while_they_are_the_same():
    rows = np.random.default_rng(0).normal(size=(200, 8))
    first = build_embedding(rows[:80])

    together = merge(of(None, {"e": first}), of(None, {"e": build_embedding(rows[80:], like=first)}))

    whole = build_embedding(rows, like=first)
    assert together.embeddings["e"].n == 200
    assert together.embeddings["e"].cos == pytest.approx(whole.cos)
    assert not merge(together, of(None, {"e": build_embedding(rows, seed=8)})).embeddings
