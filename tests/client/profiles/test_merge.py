"""Merging gives the profile of all rows together: equal to the bit where order does not matter, near enough elsewhere."""

import datetime as dt
import itertools
import math
from functools import reduce

import lineal
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

EXACT = (
    "type",
    "family",
    "role",
    "n",
    "nulls",
    "nan",
    "pos_inf",
    "neg_inf",
    "zeros",
    "min",
    "max",
    "hashes",
    "kmv",
    "hist",
)


def merge(parts):
    return reduce(lambda one, two: one.merge(two), parts)


def exact_parts(profile):
    """What has to be equal to the bit, whoever came first."""
    document = profile.to_json()
    kept = {name: {part: column[part] for part in (*EXACT, "values")} for name, column in document["columns"].items()}
    return document["rows"], kept


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    floats = rng.integers(-40, 40, n) / 4
    return pa.table(
        {
            "float": pa.array(np.where(rng.random(n) < 0.1, np.nan, floats)),
            "edge": pa.array(rng.choice([0.0, -0.0, math.inf, -math.inf, 1e300], n)),
            "int": pa.array([None if k == 0 else int(k) for k in rng.integers(0, 50, n)], pa.int64()),
            "text": pa.array([None if k == 0 else f"k{k}" for k in rng.integers(0, 200, n)], pa.string()),
            "bool": pa.array([None if k == 0 else bool(k - 1) for k in rng.integers(0, 3, n)], pa.bool_()),
            "day": pa.array([dt.date(2024, 1, 1 + int(k)) for k in rng.integers(0, 28, n)], pa.date32()),
            "raw": pa.array([bytes([k]) for k in rng.integers(0, 100, n)], pa.binary()),
        }
    )


WHOLE = rows(2_000)
BASELINE = lineal.profile(rows(3_000, seed=1))
REFERENCE = BASELINE.reference()


@given(
    cuts=st.lists(st.integers(0, 2_000), max_size=6),
    random=st.randoms(use_true_random=False),
    privacy=st.sampled_from(["standard", "strict"]),
)
@settings(max_examples=25, deadline=None)
def test_any_split_in_any_order_has_the_profile_of_the_whole(cuts, random, privacy):
    edges = [0, *sorted(cuts), 2_000]
    parts = [
        lineal.profile(WHOLE.slice(start, end - start), REFERENCE, privacy) for start, end in itertools.pairwise(edges)
    ]
    random.shuffle(parts)
    whole = lineal.profile(WHOLE, REFERENCE, privacy)

    merged = merge(parts)

    assert exact_parts(merged) == exact_parts(whole)
    for name, column in merged.columns.items():
        expected = whole.columns[name]
        if expected.mean is not None:
            assert column.mean == pytest.approx(expected.mean, rel=1e-12, abs=1e-12)
            assert column.m2 == pytest.approx(expected.m2, rel=1e-9)
        if expected.kll is not None:
            assert column.kll.n == expected.kll.n == expected.present


@given(st.integers(0, 1_999))
@settings(max_examples=25, deadline=None)
def test_which_of_two_comes_first_makes_no_difference_at_all(cut):
    one, two = lineal.profile(WHOLE.slice(0, cut), REFERENCE), lineal.profile(WHOLE.slice(cut), REFERENCE)

    assert one.merge(two) == two.merge(one)
    assert one.merge(two).to_bytes() == two.merge(one).to_bytes()


def test_a_profile_that_was_read_back_merges_as_the_one_that_was_made():
    one, two = lineal.profile(WHOLE.slice(0, 500), REFERENCE), lineal.profile(WHOLE.slice(500), REFERENCE)

    again = lineal.Profile.from_bytes(one.to_bytes()).merge(lineal.Profile.from_bytes(two.to_bytes()))

    assert again == one.merge(two)


def test_frequent_values_are_bounded_by_their_error_after_any_number_of_merges():
    """Misra and Gries: no count too high, none too low by more than `error`, and that within 2 n / 257."""
    values = np.random.default_rng(0).zipf(1.2, 40_000) % 5_000
    true = np.bincount(values, minlength=5_000)
    parts = [lineal.profile({"x": part.astype(np.float64)}) for part in np.array_split(values, 37)]

    found = merge(parts).columns["x"].values

    shown = np.zeros(5_000, np.int64)
    for value, count in found.items:
        shown[int(value)] = count
    assert found.total == len(values)
    assert len(found) <= 256
    assert found.error <= 2 * len(values) / 257
    assert ((shown <= true) & (true <= shown + found.error)).all()


def test_a_column_that_one_has_not_is_taken_over():
    merged = lineal.profile({"x": [1.0], "y": [2.0]}).merge(lineal.profile({"x": [3.0], "z": ["a"]}))

    assert (merged.rows, merged.columns["x"].n, merged.columns["y"].n, merged.columns["z"].n) == (2, 2, 1, 1)


@pytest.mark.parametrize(
    ("one", "two", "together"),
    [
        (pa.array([1]), pa.array([2.5]), "f64"),
        (pa.array([1]), pa.array([2**63], pa.uint64()), "u64"),
        (pa.array(["a"]), pa.array([b"a"]), "bin"),
        (pa.nulls(2), pa.array(["a"]), "utf8"),
        (pa.array([True]), pa.nulls(1), "bool"),
        (pa.array([True]), pa.array([1]), "other"),
        (pa.array([1]), pa.array(["1"]), "other"),
        (pa.array([dt.date(2024, 1, 1)]), pa.array([dt.datetime(2024, 1, 1)]), "other"),
        (pa.array([[1]]), pa.array([1]), "other"),
        (pa.nulls(1), pa.nulls(1), "null"),
    ],
)
def test_columns_of_two_types_meet_in_what_both_are(one, two, together):
    """pandas turns integers into floats where one is missing, and a column of None has no type at all."""
    rows_of_both = len(one) + len(two)
    for first, second in ((one, two), (two, one)):
        merged = lineal.profile({"x": first}).merge(lineal.profile({"x": second})).columns["x"]
        streamed = lineal.profile(iter([pa.table({"x": first}), pa.table({"x": second})])).columns["x"]

        for found in (merged, streamed):
            assert (found.type, found.n) == (together, rows_of_both)
            assert found.family == "other" or found.kmv is None or found.present >= found.distinct


def test_an_integer_column_that_became_floats_keeps_its_values():
    merged = lineal.profile({"x": [1, 2, 2]}).merge(lineal.profile({"x": [2.0, None]}))

    found = merged.columns["x"]
    assert (found.values.items, found.mean, found.nulls) == ([(2.0, 3), (1.0, 1)], 1.75, 1)


def test_a_batch_of_nothing_but_missing_values_leaves_the_histogram_alone():
    baseline = lineal.profile({"x": np.arange(1_000.0), "s": [f"k{k % 9}" for k in range(1_000)]})
    reference = baseline.reference()
    some = lineal.profile({"x": np.arange(100.0), "s": ["k1"] * 100}, reference)

    merged = some.merge(lineal.profile({"x": pa.nulls(50), "s": pa.nulls(50, pa.string())}, reference))

    for name in ("x", "s"):
        assert merged.columns[name].hist.id == some.columns[name].hist.id
        assert merged.columns[name].hist.counts.tolist() == some.columns[name].hist.counts.tolist()
        assert merged.columns[name].missing == 50


def test_histograms_over_different_cells_do_not_merge():
    one, two = lineal.profile({"x": np.arange(1_000.0)}), lineal.profile({"x": np.arange(1_000.0) ** 2})

    assert one.merge(two).columns["x"].hist is None
    assert one.merge(one).columns["x"].hist.counts.tolist() == (2 * one.columns["x"].hist.counts).tolist()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"privacy": "strict"}, "the privacy of one profile is standard, of the other strict"),
        ({"key": b"0123456789abcdef"}, "the key of one profile"),
    ],
)
def test_other_privacy_or_key_does_not_merge(other, words):
    with pytest.raises(lineal.IncompatibleProfiles, match=words):
        lineal.profile({"x": [1]}).merge(lineal.profile({"x": [1]}, **other))


def test_label_comes_before_prediction_before_feature():
    table = {"x": [1.0], "y": [2.0]}

    merged = lineal.profile(table).merge(lineal.profile(table, predictions="x", label_column="y"))

    assert (merged.columns["x"].role, merged.columns["y"].role) == ("prediction", "label")
